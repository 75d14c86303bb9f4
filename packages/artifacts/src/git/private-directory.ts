import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError, errorMessage } from "@skein/contract";

/** A directory of mode 0700; gone, with all that is in it, when it is disposed. */
export interface PrivateDirectory extends AsyncDisposable {
  path: string;
}

/**
 * An init container has no /tmp of its own, and its root file system may be read-only; shared memory is there in every
 * container, and forgets.
 *
 * @param parents to be tried in this order
 */
export async function makePrivateDirectory(parents: readonly string[]): Promise<PrivateDirectory> {
  const failures: unknown[] = [];
  for (const parent of parents) {
    try {
      const path = await mkdtemp(join(parent, "skein-git-"));
      return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
    } catch (error) {
      failures.push(error);
    }
  }
  throw new ArtifactError(`git needs a place for its settings: ${failures.map(errorMessage).join("; ")}`, {
    code: "git.failed",
    remedy: "mount an emptyDir at /tmp, or set TMPDIR to a directory that can be written",
  });
}
