import { lstat, readdir, rename, rm, rmdir } from "node:fs/promises";
import { ArtifactError } from "@skein/contract";
import { diskError } from "./disk-error.ts";

/**
 * Puts a finished extraction where it belongs (contract §13.1): when the directory holds exactly one entry,
 * that entry becomes the target, else the directory itself does. Both must be on one file system.
 *
 * A file or link at the target is replaced, an empty directory too. A directory that holds something
 * is left alone: merging would mix two artifacts, and upstream fails there as well.
 *
 * @throws ArtifactError `artifact.invalid_path` for such a directory, `disk.*`
 */
export async function settleExtraction(extracted: string, target: string): Promise<void> {
  try {
    const names = await readdir(extracted, { encoding: "buffer" });
    const [only] = names;
    if (names.length !== 1 || only === undefined) return await replace(extracted, target);
    await replace(Buffer.concat([Buffer.from(`${extracted}/`), only]), target);
    await rmdir(extracted);
  } catch (error) {
    throw diskError(error, `cannot move what was unpacked to ${target}`);
  }
}

const IN_THE_WAY = new Set(["EEXIST", "ENOTEMPTY", "EISDIR", "ENOTDIR"]);

/** rename(2) replaces like with like; anything else must go first. */
async function replace(from: string | Buffer, target: string): Promise<void> {
  try {
    return await rename(from, target);
  } catch (error) {
    if (!IN_THE_WAY.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
  await remove(target);
  await rename(from, target);
}

async function remove(target: string): Promise<void> {
  const isDirectory = (await lstat(target)).isDirectory();
  if (!isDirectory) return rm(target);
  try {
    await rmdir(target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    throw new ArtifactError(
      `cannot put the artifact at ${target}: there is a directory with something in it`,
      {
        code: "artifact.invalid_path",
        remedy: "Give the artifact a path of its own, for example one level below that directory.",
        cause: error,
      },
    );
  }
}
