import { closeSync, constants, openSync } from "node:fs";
import { baseName, type CleanName, parentName, ROOT } from "./clean-entry-name.ts";
import { explainingDisk } from "./disk-error.ts";
import { type RawName, toPath, toText } from "./raw-name.ts";

/** Trees list a directory's files together, so few handles save nearly all look-ups; a process has 1,024 or more. */
const MAX_OPEN = 64;

export const OPEN_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Opens a directory by its path below its parent's handle, with {@link OPEN_DIRECTORY}; may make it. */
export type OpenBelow = (path: string | Buffer, directory: CleanName) => number;

/**
 * Open handles of the directories below `root`, each opened from its parent's handle without following
 * a link. `/proc/self/fd/<handle>/<name>` is what Node has for openat(2): nobody who swaps a directory
 * for a symbolic link while we work can lead us elsewhere, and no path grows beyond PATH_MAX.
 */
export class DirectoryHandles {
  readonly #root: number;
  readonly #open = new Map<CleanName, number>();
  readonly #openBelow: OpenBelow;
  #pinned: CleanName | undefined;

  constructor(root: RawName, openBelow: OpenBelow) {
    this.#root = explainingDisk(
      () => `cannot open the directory ${toText(root)}`,
      () => openSync(toPath(root), OPEN_DIRECTORY),
    );
    this.#openBelow = openBelow;
  }

  /**
   * A path for `name`, whose parents are opened. Good until the next call: then the handle may
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

  /** The handle of a directory, opened with its parents if need be. */
  handle(directory: CleanName): number {
    if (directory === ROOT) return this.#root;
    const known = this.#open.get(directory);
    if (known !== undefined) return known;
    let handle = this.#root;
    for (let end = directory.indexOf("/"); ; end = directory.indexOf("/", end + 1)) {
      const step = (end === -1 ? directory : directory.slice(0, end)) as CleanName;
      handle = this.#open.get(step) ?? this.#openStep(handle, step);
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

  #openStep(parent: number, directory: CleanName): number {
    const path = toPath(`/proc/self/fd/${parent}/${baseName(directory)}`);
    const handle = this.#openBelow(path, directory);
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
