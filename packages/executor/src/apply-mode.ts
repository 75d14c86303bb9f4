import { chmodSync, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import { fileError } from "./file-error.ts";

const PERMISSION_BITS = 0o777;

/**
 * Gives a loaded artifact the mode its template asks for (contract §6 step 11). Symbolic links inside a tree are
 * left alone: what they point to is in the tree too, and a dangling one is no reason to fail, as it is upstream.
 *
 * Synchronous, because one asynchronous call per file costs ten times more and trees have tens of thousands.
 */
export function applyMode(target: string, artifact: Pick<Artifact, "mode" | "recurseMode">): void {
  if (artifact.mode === undefined) return;
  const mode = artifact.mode & PERMISSION_BITS;
  if (artifact.recurseMode && lstat(target).isDirectory()) changeBelow(target, mode);
  change(target, mode);
}

/** Children first: the new mode of a directory may forbid entering it. */
function changeBelow(directory: string, mode: number): void {
  for (const entry of readDirectory(directory)) {
    if (entry.isSymbolicLink()) continue;
    const path = join(directory, entry.name);
    if (entry.isDirectory()) changeBelow(path, mode);
    change(path, mode);
  }
}

function lstat(path: string) {
  try {
    return lstatSync(path);
  } catch (error) {
    throw fileError(error, path);
  }
}

function readDirectory(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true });
  } catch (error) {
    throw fileError(error, path);
  }
}

function change(path: string, mode: number): void {
  try {
    chmodSync(path, mode);
  } catch (error) {
    throw fileError(error, path);
  }
}
