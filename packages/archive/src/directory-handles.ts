import { closeSync, constants, fchmodSync, mkdirSync, openSync } from "node:fs";
import { ArtifactError } from "@skein/contract";
import { baseName, type CleanName, parentName, ROOT } from "./clean-entry-name.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { explainingDisk } from "./disk-error.ts";
import { toPath, toText } from "./raw-name.ts";

/** Archives list a directory's files together, so few handles save nearly all look-ups; a process has 1,024 or more. */
const MAX_OPEN = 64;

const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** What directories get that the archive does not list (contract §13.1). */
export const IMPLIED_DIRECTORY_MODE = 0o755;

/**
 * Open handles of the directories below `root`, each opened from its parent's handle without following
 * a link. `/proc/self/fd/<handle>/<name>` is what Node has for openat(2): nobody who swaps a directory
 * for a symbolic link while we work can lead a write elsewhere, and no path grows beyond PATH_MAX.
 */
export class DirectoryHandles {
  readonly #root: number;
  readonly #open = new Map<CleanName, number>();
  readonly #isLink: (name: CleanName) => boolean;
  #pinned: CleanName | undefined;

  /** @param isLink whether the archive has put a symbolic link there, which is refused as a parent */
  constructor(root: string, isLink: (name: CleanName) => boolean) {
    this.#root = explainingDisk(
      () => `cannot open the directory ${root}`,
      () => openSync(root, OPEN_DIRECTORY),
    );
    this.#isLink = isLink;
  }

  /**
   * A path for `name`, whose missing parents are made. Good until the next call: then the handle may
   * have been closed, and its number may stand for another directory.
   */
  place(name: CleanName): string | Buffer {
    return toPath(`/proc/self/fd/${this.handle(parentName(name))}/${baseName(name)}`);
  }

  /** Like {@link place}, and good for the whole of `work`. */
  withPlace<T>(name: CleanName, work: (path: string | Buffer) => T): T {
    const path = this.place(name);
    this.#pinned = parentName(name);
    try {
      return work(path);
    } finally {
      this.#pinned = undefined;
    }
  }

  /** The handle of a directory, which is made, with its parents, if need be. */
  handle(directory: CleanName): number {
    if (directory === ROOT) return this.#root;
    const known = this.#open.get(directory);
    if (known !== undefined) return known;
    let handle = this.#root;
    for (let end = directory.indexOf("/"); ; end = directory.indexOf("/", end + 1)) {
      const step = (end === -1 ? directory : directory.slice(0, end)) as CleanName;
      handle = this.#open.get(step) ?? this.#openBelow(handle, step);
      if (end === -1) return handle;
    }
  }

  /** To be called when a directory goes away. */
  forget(directory: CleanName): void {
    const handle = this.#open.get(directory);
    if (handle === undefined) return;
    this.#open.delete(directory);
    closeSync(handle);
  }

  close(): void {
    for (const handle of this.#open.values()) closeSync(handle);
    this.#open.clear();
    closeSync(this.#root);
  }

  #openBelow(parent: number, directory: CleanName): number {
    if (this.#isLink(directory)) throw leadsThroughLink(directory);
    const path = toPath(`/proc/self/fd/${parent}/${baseName(directory)}`);
    const handle = explainingDisk(
      () => `cannot make the directory ${toText(directory)}`,
      () => openOrMake(path, directory),
    );
    this.#open.set(directory, handle);
    if (this.#open.size > MAX_OPEN) this.#forgetOldest();
    return handle;
  }

  /** Never the newest one, which the caller is about to use. */
  #forgetOldest(): void {
    const directories = this.#open.keys();
    const [first, second] = [directories.next().value, directories.next().value];
    const oldest = first === this.#pinned ? second : first;
    if (oldest !== undefined) this.forget(oldest);
  }
}

function openOrMake(path: string | Buffer, directory: CleanName): number {
  try {
    return openSync(path, OPEN_DIRECTORY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR" || code === "ELOOP") throw notDirectory(directory, error);
    if (code !== "ENOENT") throw error;
  }
  mkdirSync(path, IMPLIED_DIRECTORY_MODE);
  const handle = openSync(path, OPEN_DIRECTORY);
  fchmodSync(handle, IMPLIED_DIRECTORY_MODE); // whatever the umask
  return handle;
}

function notDirectory(directory: CleanName, cause: unknown): ArtifactError {
  return corruptArchive(
    `corrupt archive: ${toText(directory)} is no directory, yet entries lie below it`,
    cause,
  );
}

/** Begins as upstream's text for the same attack does (CVE-2025-66626). */
function leadsThroughLink(directory: CleanName): ArtifactError {
  return new ArtifactError(
    `illegal file path after symlink resolution: an entry leads through the symbolic link ${toText(directory)}`,
    { code: "archive.path_escape", remedy: "The archive was not made by a packer; find out who stored it." },
  );
}
