import { chmod, copyFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { fileError } from "./file-error.ts";

/**
 * Writes a file so that a reader finds the old content or the new, never a part; what was there is replaced,
 * whatever its mode. The mode is exact, whatever the umask.
 *
 * @throws ArtifactError with Go's text for the failed call
 */
export function replaceFile(path: string, content: string, mode: number): Promise<void> {
  return replace(path, mode, (temporary) => writeFile(temporary, content, { mode }));
}

/** Copies a file with the same promise. A running program may be replaced. */
export function replaceFileByCopy(source: string, path: string, mode: number): Promise<void> {
  return replace(path, mode, (temporary) => copyFile(source, temporary));
}

async function replace(
  path: string,
  mode: number,
  fill: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await mkdir(dirname(path), { recursive: true });
    // A left-over of a killed run may be read-only; opening it for writing would fail for all but root.
    await rm(temporary, { force: true });
    await fill(temporary);
    await chmod(temporary, mode);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw fileError(error, path);
  }
}
