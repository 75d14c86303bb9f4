import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Architecture } from "../build/architecture.ts";
import type { Engine } from "./engine.ts";
import { unpackImage } from "./layers.ts";

/** Every code cache of the core, by the very Node.js that is to take it. */
const CACHES = `
const { readdirSync, readFileSync } = require("node:fs");
const { Script } = require("node:vm");
const [, core] = process.argv;
const chunks = readdirSync(core).filter((name) => name.endsWith(".js"));
const refused = chunks.filter((name) => new Script(readFileSync(core + "/" + name, "latin1"), {
  filename: "/opt/skein/core/" + name, cachedData: readFileSync(core + "/" + name + ".cache"),
}).cachedDataRejected);
console.log(process.arch, chunks.length > 10 && refused.length === 0 ? "all taken" : "refused: " + refused);`;

/** Programs of the image, what they are asked, and what they have to say. */
const PROGRAMS: readonly (readonly [path: string, argv: readonly string[], says: RegExp])[] = [
  ["bin/argoexec", ["version", "--short"], /^argoexec: \d/],
  ["opt/skein/bin/node", ["-e", CACHES, "ROOT/opt/skein/core"], /^\S+ all taken$/m],
  ["usr/bin/git", ["--version"], /^git version/],
  ["usr/lib/git-core/git-remote-https", [], /usage: git remote-curl/],
  ["usr/bin/git-lfs", ["version"], /^git-lfs\//],
  ["usr/bin/ssh", ["-V"], /^OpenSSH/],
  ["usr/bin/dash", ["-c", "echo a shell"], /^a shell$/m],
];

/**
 * Has qemu run the programs of an image for another machine, one by one, with the libraries of that image. Less than
 * {@link checkImages} does: qemu alone starts no program for another, as a whole container needs.
 *
 * @throws Error that says what the image cannot do
 */
export async function checkForeign(
  engine: Engine,
  image: string,
  { architecture, say }: { architecture: Architecture; say: (line: string) => void },
): Promise<void> {
  const qemu = `qemu-${architecture.gnu}-static`;
  if (spawnSync(qemu, ["--version"]).error)
    return say(
      `images: there is no ${qemu} (Debian: apt-get install qemu-user-static), so the images are not tried`,
    );
  const directory = mkdtempSync(join(tmpdir(), "skein-foreign-"));
  try {
    const [archive, root] = [join(directory, "image.tar"), join(directory, "root")] as const;
    mkdirSync(root);
    await engine.save(image, archive);
    unpackImage(archive, root);
    for (const [path, argv, says] of PROGRAMS) {
      const args = argv.map((arg) => arg.replace(/^ROOT/, root));
      const { stdout, stderr, error } = spawnSync(qemu, ["-L", root, join(root, path), ...args], {
        encoding: "utf8",
      });
      const said = error ? error.message : `${stdout}${stderr}`;
      if (!says.test(said)) throw new Error(`${image}: /${path} by ${qemu} says ${said.trim()}`);
    }
    say(
      `images: ${PROGRAMS.length} programs of ${image} run by ${qemu}, and its code caches are taken: all is well`,
    );
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}
