import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { open, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** A secret where the programs of this user can read it, as long as it is not disposed. */
export interface PrivateFile extends AsyncDisposable {
  path: string;
}

/** Memory, in every container, and writable also where the root file system is not. */
const SHARED_MEMORY = "/dev/shm";

/**
 * Puts a secret into a file of mode 0600 that has no name: it is removed before anything is in it, and read through
 * `/proc/<pid>/fd`. So nothing stays behind, however this process ends, and the other containers of the pod, with whom
 * memory is shared, find nothing. Where that cannot be, it is a file with a name in `directory`.
 *
 * @param directory private, and to be removed
 */
export async function createPrivateFile(
  content: string,
  directory: string,
  processes = "/proc",
): Promise<PrivateFile> {
  for (const parent of [SHARED_MEMORY, directory]) {
    const nameless = await createNameless(content, parent, processes).catch(() => undefined);
    if (nameless) return nameless;
  }
  const path = join(directory, randomUUID());
  await writeFile(path, content, { mode: 0o600, flag: "wx" });
  return { path, [Symbol.asyncDispose]: () => rm(path, { force: true }) };
}

/** @returns nothing when the file is not to be found under the number of its descriptor */
async function createNameless(
  content: string,
  parent: string,
  processes: string,
): Promise<PrivateFile | undefined> {
  const name = join(parent, `.skein-${randomUUID()}`);
  const file = await open(name, "wx+", 0o600);
  try {
    await rm(name);
    await file.writeFile(content);
    const path = `${processes}/${process.pid}/fd/${file.fd}`;
    if ((await readFile(path, "utf8")) === content && (await othersCanOpen(path))) {
      return { path, [Symbol.asyncDispose]: () => file.close() };
    }
  } catch {
    // No /proc, or one that shows no descriptors: the caller has another way.
  }
  await file.close();
  return undefined;
}

/** Whether a program that is started by this one may: where processes are kept apart further, it may not. */
function othersCanOpen(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    execFile("/bin/sh", ["-c", ': <"$1"', "sh", path], { env: {} }, (error) => resolve(error === null));
  });
}
