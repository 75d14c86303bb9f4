import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { build } from "esbuild";
import { startS3Server } from "../../../packages/lab/src/servers/s3-server.ts";
import { startBenchApiServer } from "../../bench/api-server.ts";
import { replaceFile } from "../replace-file.ts";
import type { CoreBundle } from "./bundle-core.ts";
import { cachePath } from "./load-chunks.ts";
import type { RehearsalStage } from "./rehearsal.ts";
import { REHEARSAL_FLAGS } from "./rehearsal-flags.ts";

/** Flags for the core's Node.js, one a line; the front reads them. They are part of what a code cache is valid for. */
const NODE_FLAGS: readonly string[] = [
  // Certificates are those of the image, as for every other program in it; and Node.js does not parse its own at start.
  "--use-openssl-ca",
  // A quarter of V8's own choice: thousands of requests leave little alive, and 10,000 objects take 20 MB less (ADR 0010).
  "--max-semi-space-size=4",
];

/**
 * Puts the core into the image's tree: chunks and caches first, the program that names them last, so that a pod which
 * is just starting finds either the old core or the new one. What the new one does not use is removed.
 *
 * @param runner what runs the tree's Node.js on this machine, as a command before it; undefined when nothing does: then
 *   there are no caches
 */
export async function placeCore(
  checkout: string,
  tree: string,
  core: CoreBundle,
  runner: readonly string[] | undefined,
): Promise<void> {
  const directory = join(tree, "opt/skein/core");
  const made =
    runner === undefined ? withoutCodeCaches(core) : await withCodeCaches(checkout, tree, core, runner);
  for (const [name, content] of made) replaceFile(join(directory, name), content);
  replaceFile(join(directory, "node-flags"), NODE_FLAGS.map((flag) => `${flag}\n`).join(""));
  replaceFile(
    join(directory, "argoexec.cjs"),
    await program("argoexec.ts", { SKEIN_MAIN_CHUNK: core.mainChunk }),
  );
  for (const name of readdirSync(directory)) {
    if (!made.has(name) && name !== "node-flags" && name !== "argoexec.cjs") rmSync(join(directory, name));
  }
}

function withoutCodeCaches(core: CoreBundle): Map<string, Uint8Array> {
  const chunks = [...core.chunks].filter(([name]) => name !== core.rehearsalChunk);
  return new Map(chunks.map(([name, text]) => [name, Buffer.from(text)]));
}

/** The chunks and their caches by file name, without those of the rehearsal itself. */
async function withCodeCaches(
  checkout: string,
  tree: string,
  core: CoreBundle,
  runner: readonly string[],
): Promise<Map<string, Uint8Array>> {
  const directory = mkdtempSync(join(tmpdir(), "skein-build-"));
  try {
    const chunks = join(directory, "chunks");
    for (const [name, text] of core.chunks) replaceFile(join(chunks, name), text);
    const recorder = join(directory, "record-code-cache.cjs");
    writeFileSync(recorder, await program("record-code-cache.ts", {}));
    await withStage(checkout, tree, directory, async (stage) => {
      const [program = "", ...argv] = [
        ...runner,
        join(tree, "opt/skein/bin/node"),
        ...NODE_FLAGS,
        ...REHEARSAL_FLAGS,
        recorder,
        chunks,
        core.rehearsalChunk,
        JSON.stringify(stage),
      ];
      const { PATH, QEMU_LD_PREFIX } = process.env;
      await promisify(execFile)(program, argv, { env: runner.length === 0 ? {} : { PATH, QEMU_LD_PREFIX } });
    });
    const made = new Map<string, Uint8Array>();
    for (const name of core.chunks.keys()) {
      if (name === core.rehearsalChunk) continue;
      made.set(name, readFileSync(join(chunks, name)));
      made.set(cachePath(name), readFileSync(cachePath(join(chunks, name))));
    }
    return made;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Starts what the acts talk to: an S3 server, an API server that takes every task result, a collector that takes all. */
async function withStage(
  checkout: string,
  tree: string,
  directory: string,
  work: (stage: RehearsalStage) => Promise<void>,
): Promise<void> {
  const s3 = await startS3Server(join(checkout, ".tools/bin/versitygw"), join(directory, "s3"));
  const apiServer = await startBenchApiServer();
  const collector = createServer((request, response) => request.resume().on("end", () => response.end()));
  await new Promise<void>((resolve) => collector.listen(0, "127.0.0.1", resolve));
  try {
    await work({
      directory: join(directory, "pod"),
      front: join(tree, "bin/argoexec"),
      s3,
      apiServer: { port: apiServer.port, token: apiServer.token, ca: apiServer.ca },
      collector: `http://127.0.0.1:${(collector.address() as AddressInfo).port}`,
    });
  } finally {
    collector.close();
    collector.closeAllConnections();
    apiServer.close();
    await s3.close();
  }
}

/** One of the small programs beside this file, as the text of a script. */
export async function program(name: string, define: Record<string, string>): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, name)],
    bundle: true,
    write: false,
    platform: "node",
    format: "cjs",
    target: "node24",
    define: Object.fromEntries(Object.entries(define).map(([key, value]) => [key, JSON.stringify(value)])),
    legalComments: "none",
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}
