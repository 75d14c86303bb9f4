import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { removeSymbols } from "../../images/elf.ts";
import type { Architecture } from "./architecture.ts";
import { replaceWithCopy } from "./replace-file.ts";

interface LockedPackage {
  version: string;
  resolved: string;
  integrity: string;
}

/** The directory of the npm package that holds the pinned Node.js for an architecture; fetched when npm did not. */
export function nodePackage(checkout: string, architecture: Architecture): string {
  const name = `node-linux-${architecture.npm}`;
  const installed = join(checkout, "node_modules", name);
  if (existsSync(join(installed, "bin/node"))) return installed;
  const locked = lockedPackage(checkout, name);
  const fetched = join(checkout, ".tools", `${name}-${locked.version}`);
  if (!existsSync(fetched)) fetchPackage(name, locked, fetched);
  return fetched;
}

/**
 * Puts Node.js into the image's tree, without its symbols: they are a seventh of the file and serve only who debugs V8.
 */
export function placeNode(nodePackage: string, path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const candidate = `${path}.candidate`;
  replaceWithCopy(candidate, join(nodePackage, "bin/node"));
  removeSymbols(candidate);
  // A program that is running keeps its own; and what has not changed stays, so that it need not be read anew.
  if (existsSync(path) && readFileSync(path).equals(readFileSync(candidate))) rmSync(candidate);
  else renameSync(candidate, path);
}

function lockedPackage(checkout: string, name: string): LockedPackage {
  const lock = JSON.parse(readFileSync(join(checkout, "package-lock.json"), "utf8")) as {
    packages: Record<string, LockedPackage>;
  };
  const locked = lock.packages[`node_modules/${name}`];
  if (locked === undefined) throw new Error(`package-lock.json has no ${name}`);
  return locked;
}

/** npm leaves out packages for other machines than its own, so this one is asked for by name. */
function fetchPackage(name: string, { version, integrity }: LockedPackage, directory: string): void {
  process.stdout.write(`build: fetching ${name} ${version}\n`);
  const temporary = mkdtempSync(join(tmpdir(), "skein-node-"));
  try {
    const packed = execFileSync(
      "npm",
      ["pack", "--silent", `--pack-destination=${temporary}`, `${name}@${version}`],
      {
        encoding: "utf8",
      },
    );
    const archive = join(temporary, packed.trim());
    const digest = `sha512-${createHash("sha512").update(readFileSync(archive)).digest("base64")}`;
    if (digest !== integrity)
      throw new Error(`${name} ${version} is ${digest}; package-lock.json wants ${integrity}`);
    execFileSync("tar", ["-xzf", archive, "-C", temporary]);
    mkdirSync(dirname(directory), { recursive: true });
    execFileSync("mv", [join(temporary, "package"), directory]);
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}
