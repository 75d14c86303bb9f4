import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";

/** git clones into an empty directory only; an attempt that failed may have left something. */
export async function emptyDirectory(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    await rm(join(directory, name), { recursive: true, force: true });
  }
}
