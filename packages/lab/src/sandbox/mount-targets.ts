import { chmodSync, lstatSync, mkdirSync, readlinkSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { cleanPath } from "@skein/contract";
import { isBelowOrSame } from "./mountinfo.ts";
import { PRIVATE_ROOTS } from "./root-plan.ts";

/** A directory of the container and the directory of the machine that holds what the container writes there. */
export interface Backing {
  /** Path in the container. */
  path: string;
  /** Path on the machine. */
  directory: string;
  /** What shows through where `directory` has nothing: the machine's directory at the same path, if any. */
  lower?: string;
}

const MAX_LINKS = 40;

/**
 * Follows the machine's symbolic links, as the container will: `/var/run/argo` is `/run/argo` where `/var/run`
 * is a link. Stops where the container has something of its own, which starts out empty.
 */
export function resolveTarget(path: string, own: readonly string[]): string {
  let pending = cleanPath(path).split("/").filter(Boolean);
  let resolved = "/";
  for (let links = 0; pending.length > 0; ) {
    if ([...PRIVATE_ROOTS, ...own].some((root) => isBelowOrSame(resolved, root))) break;
    const [head = "", ...rest] = pending;
    const link = readLink(join(resolved, head));
    if (link === undefined) {
      resolved = join(resolved, head);
      pending = rest;
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) throw new Error(`${path}: too many levels of symbolic links`);
    const target = link.startsWith("/") ? link : join(resolved, link);
    pending = [...cleanPath(target).split("/").filter(Boolean), ...rest];
    resolved = "/";
  }
  return join(resolved, ...pending);
}

function readLink(path: string): string | undefined {
  try {
    return lstatSync(path).isSymbolicLink() ? readlinkSync(path) : undefined;
  } catch {
    return undefined; // does not exist yet, or is not ours to look at: either way no link we could follow
  }
}

/**
 * Makes what something can be mounted on, in the directory that backs the place, so that even an unprivileged
 * user gets `/run/argo` in a `/run` that belongs to root.
 */
export function makeMountPoint(
  backings: readonly Backing[],
  target: string,
  kind: "directory" | "file",
): void {
  const backing = backings
    .filter((candidate) => isBelowOrSame(target, candidate.path))
    .reduce((deepest, candidate) => (candidate.path.length >= deepest.path.length ? candidate : deepest));
  const inside = relative(backing.path, target);
  const parent = kind === "directory" ? inside : dirname(inside);
  let passed = "";
  for (const part of parent.split("/").filter((name) => name !== "" && name !== ".")) {
    passed = join(passed, part);
    makeDirectory(join(backing.directory, passed), backing.lower && join(backing.lower, passed));
  }
  if (kind === "file") writeFileSync(join(backing.directory, inside), "", { flag: "a" });
}

/** A new directory takes the permissions of the one it stands in for. */
function makeDirectory(path: string, lower: string | undefined): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  const model = lower === undefined ? undefined : statSync(lower, { throwIfNoEntry: false });
  chmodSync(path, model?.isDirectory() ? model.mode & 0o7777 : 0o755);
}
