import { lstatSync, readdirSync, realpathSync, type Stats, statSync } from "node:fs";
import { basename } from "node:path";
import { ArtifactError } from "@skein/contract";
import { diskError, explainingDisk } from "./disk-error.ts";
import { type RawName, toPath, toRaw, toText } from "./raw-name.ts";

/** Something to be packed. */
export interface WalkedEntry {
  /** Where it is, as bytes. */
  path: RawName;
  /** Its name in the archive: `base` for the root, `base/rel` below it, without a trailing slash. */
  name: RawName;
  /** Of the entry itself; of what it points to only at the root. */
  stats: Stats;
}

/**
 * The entries of a tree in the order of their bytes, each directory before what it holds (contract §13.2).
 * Links are followed at the root and nowhere else. What cannot be read is an error: an archive with
 * something missing looks like a whole one.
 *
 * Holds the names of one directory per level at a time.
 *
 * @throws ArtifactError `file.not_found` when there is nothing at `root`, `archive.unsupported_entry`, `disk.*`
 */
export function* walkTree(root: string): Generator<WalkedEntry, void, undefined> {
  const stats = statRoot(root);
  if (!stats.isFile() && !stats.isDirectory()) {
    throw new ArtifactError(`${root} is not a regular file or directory`, {
      code: "archive.unsupported_entry",
    });
  }
  const path = explainingDisk(
    () => `cannot resolve ${root}`,
    () => toRaw(realpathSync(root)),
  );
  // "/" has no name of its own; what unpacks it takes any single top-level directory for the target.
  const name = toRaw(basename(root) || "root");
  yield { path, name, stats };
  if (stats.isDirectory()) yield* walkDirectory({ path: path === "/" ? "" : path, name });
}

/** With a stack of its own: depth must not be paid for with the engine's. */
function* walkDirectory(root: Pick<WalkedEntry, "path" | "name">): Generator<WalkedEntry, void, undefined> {
  const stack = [{ ...root, children: readSorted(root.path || "/") }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const child = top.children.pop();
    if (child === undefined) {
      stack.pop();
      continue;
    }
    const path = `${top.path}/${child}`;
    const name = `${top.name}/${child}`;
    const stats = explainingDisk(
      () => `cannot read ${toText(path)}`,
      () => lstatSync(toPath(path)),
    );
    yield { path, name, stats };
    if (stats.isDirectory()) stack.push({ path, name, children: readSorted(path) });
  }
}

/** Last name first, to be popped. */
function readSorted(path: RawName): RawName[] {
  return explainingDisk(
    () => `cannot list the directory ${toText(path)}`,
    () => readdirSync(toPath(path), { encoding: "latin1" }).sort().reverse(),
  );
}

function statRoot(root: string): Stats {
  try {
    return statSync(root);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw diskError(error, `cannot read ${root}`);
    throw new ArtifactError(`${root}: no such file or directory`, { code: "file.not_found", cause: error });
  }
}
