import { realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { ArtifactError, isWithin } from "@skein/contract";
import { fileError } from "./file-error.ts";

/**
 * Where a path really leads, if that is inside `root`.
 *
 * What the user's containers wrote is read in a container that also holds the pod's credentials; a symbolic link
 * to `/argo/secret/…` in a shared volume would otherwise be followed here and its target uploaded.
 *
 * @param operation the call Go would have failed in, for the text of the error
 * @throws ArtifactError `file.not_found` when nothing is there, `archive.path_escape` when it leads elsewhere
 */
export async function realPathWithin(path: string, root: string, operation = "open"): Promise<string> {
  let real: string;
  let realRoot: string;
  try {
    [real, realRoot] = await Promise.all([realpath(path), realpath(root)]);
  } catch (error) {
    throw fileError(error, path, operation);
  }
  if (isWithin(real, realRoot)) return real;
  throw new ArtifactError(`${operation} ${path}: leads to ${real}, which is outside ${root}`, {
    code: "archive.path_escape",
    remedy: "write a file or a relative link that stays inside the volume",
  });
}

/**
 * Refuses a place that is not there yet when the way to it leads out of `root`: an earlier step may have left a
 * symbolic link in a shared volume, and what is written through it would land in the executor's own file system.
 *
 * @throws ArtifactError `archive.path_escape`
 */
export async function refuseWayOut(path: string, root: string): Promise<void> {
  for (let above = dirname(path); isWithin(above, root); above = dirname(above)) {
    try {
      await realPathWithin(above, root);
      return;
    } catch (error) {
      if (!(error instanceof ArtifactError && error.code === "file.not_found")) throw error;
    }
  }
}
