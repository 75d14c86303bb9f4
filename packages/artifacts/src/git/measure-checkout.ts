import { lstatSync, readdirSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

/**
 * The bytes of all packs of a new clone and its submodules. git keeps every pack as it came (`unpackLimit = 1`), so
 * this is what was sent, except for the framing of the protocol.
 */
export function packedBytes(directory: string): number {
  let bytes = 0;
  const gitDirectories = [join(directory, ".git")];
  for (let next = gitDirectories.pop(); next !== undefined; next = gitDirectories.pop()) {
    for (const name of namesIn(join(next, "objects/pack"))) {
      if (name.endsWith(".pack")) bytes += statSync(join(next, "objects/pack", name)).size;
    }
    // A submodule's name may hold slashes: what has an `objects` directory is a repository, the rest leads to some.
    for (const name of namesIn(join(next, "modules"))) gitDirectories.push(join(next, "modules", name));
    if (!namesIn(next).includes("objects")) {
      for (const name of namesIn(next)) gitDirectories.push(join(next, name));
    }
  }
  return bytes;
}

/** The files of a checkout, submodules included, and their bytes; what belongs to git itself is not counted. */
export async function countFiles(directory: string): Promise<{ files: number; bytes: number }> {
  const counted = { files: 0, bytes: 0 };
  const directories = [directory];
  for (let next = directories.pop(); next !== undefined; next = directories.pop()) {
    for (const entry of await readdir(next, { withFileTypes: true })) {
      const path = join(next, entry.name);
      if (entry.name === ".git") continue;
      if (entry.isDirectory()) directories.push(path);
      else {
        counted.files++;
        counted.bytes += lstatSync(path).size;
      }
    }
  }
  return counted;
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() || entry.isFile())
      .map((entry) => entry.name);
  } catch {
    return []; // not a directory, or not there: nothing to count
  }
}
