import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Git } from "./run-git.ts";

/**
 * The bytes of all packs of a new clone and its submodules. git keeps every pack as it came (`unpackLimit = 1`), so
 * this is what was sent, except for the framing of the protocol, and git needs no tracing to tell it.
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

/** Files of the commit that is checked out, and their bytes; submodules not included. */
export async function countFiles(git: Git, directory: string): Promise<{ files: number; bytes: number }> {
  let files = 0;
  let bytes = 0;
  let rest = "";
  await git.run(["ls-tree", "-r", "-l", "-z", "HEAD"], {
    doing: "cannot list the files of the commit",
    cwd: directory,
    onStdout(chunk) {
      const records = (rest + chunk.toString("latin1")).split("\0");
      rest = records.pop() ?? "";
      for (const record of records) {
        // `<mode> <type> <object> <size padded>\t<path>`
        const size = /^\d+ blob [0-9a-f]+ +(\d+)\t/.exec(record)?.[1];
        if (size === undefined) continue;
        files++;
        bytes += Number(size);
      }
    },
  });
  return { files, bytes };
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
