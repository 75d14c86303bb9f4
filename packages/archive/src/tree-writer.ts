import {
  constants,
  copyFileSync,
  fchmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import { type CleanName, cleanLinkTarget, ROOT } from "./clean-entry-name.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { DirectoryHandles } from "./directory-handles.ts";
import { explainingDisk } from "./disk-error.ts";
import { illegalLink, LinkTable } from "./link-table.ts";
import { IMPLIED_DIRECTORY_MODE, makingDirectories } from "./making-directories.ts";
import { type RawName, toPath, toRaw, toText } from "./raw-name.ts";
import type { UnpackLimits } from "./unpack-limits.ts";

const CREATE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const PERMISSIONS = 0o777;

/** File systems without hard links (SMB, some FUSE) answer with one of these. */
const NO_HARD_LINKS = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EMLINK", "EXDEV"]);

/**
 * Makes the entries of an archive below one directory and can do nothing elsewhere: names are
 * {@link CleanName}s, every parent is a handle opened without following links, files are created and
 * never opened, and symbolic links come last, so that during the whole work there are none.
 *
 * A later entry of the same name replaces the earlier one whole. Set-id and sticky bits are dropped,
 * ownership is never restored. All calls are synchronous: a call through the thread pool costs ten times
 * what the kernel takes to make a small file.
 */
export class TreeWriter {
  readonly #links: LinkTable;
  readonly #handles: DirectoryHandles;
  readonly #umask = readUmask();
  readonly #link: typeof linkSync;

  /**
   * @param root an existing directory, ours alone
   * @param parts `link` makes a hard link; a parameter for file systems that have none
   */
  constructor(root: string, limits: UnpackLimits, parts: { link?: typeof linkSync } = {}) {
    this.#links = new LinkTable(limits);
    this.#handles = new DirectoryHandles(
      toRaw(root),
      makingDirectories((name) => this.#links.has(name)),
    );
    this.#link = parts.link ?? linkSync;
  }

  /** @returns an open descriptor, to be closed by the caller */
  createFile(name: CleanName, mode: number): number {
    const permissions = mode & PERMISSIONS;
    return this.#make(name, "file", (path) => {
      const fd = openSync(path, CREATE, permissions);
      if ((permissions & this.#umask) !== 0) fchmodSync(fd, permissions);
      return fd;
    });
  }

  /**
   * The mode is the header's, and at least 0755: upstream gives every directory 0755, and since
   * ownership is not restored, a 0700 of the packer's user would lock the reader out (AW#9651).
   */
  createDirectory(name: CleanName, mode: number): void {
    const permissions = (mode & PERMISSIONS) | IMPLIED_DIRECTORY_MODE;
    explainingDisk(
      () => `cannot make the directory ${toText(name)}`,
      () => {
        if (name !== ROOT && !this.#isDirectory(name)) {
          this.#make(name, "directory", (path) => mkdirSync(path, permissions));
        }
        fchmodSync(this.#handles.handle(name), permissions);
      },
    );
  }

  /** A symbolic link with `target` as its text, made at the end. @throws ArtifactError `archive.path_escape` */
  createLink(name: CleanName, target: RawName): void {
    const leadsTo = cleanLinkTarget(name, target);
    // Strictly inside, as upstream has it: a link to the root itself makes a tree without an end.
    if (leadsTo === undefined || leadsTo === ROOT) throw illegalLink(name, target);
    if (target === "")
      throw corruptArchive(`corrupt archive: the symbolic link ${toText(name)} has no target`);
    explainingDisk(
      () => `cannot make room for the symbolic link ${toText(name)}`,
      () => this.#removeEarlier(name, this.#handles.place(name)),
    );
    this.#links.set(name, target);
  }

  /**
   * A second name for a file that this archive has already brought; packers always write the file first.
   * Nothing is followed: there are no links in the tree yet, and link(2) does not follow the last component.
   */
  createHardLink(name: CleanName, target: CleanName): void {
    if (name === target) return;
    const text = this.#links.get(target);
    if (text !== undefined) {
      this.createLink(name, text);
      return;
    }
    this.#handles.withPlace(target, (source) => {
      if (target === ROOT || !lstatSync(source, { throwIfNoEntry: false })?.isFile()) {
        throw corruptArchive(
          `corrupt archive: ${toText(name)} is a hard link to ${toText(target)}, which is no file before it`,
        );
      }
      this.#make(name, "hard link", (path) => this.#linkOrCopy(source, path));
    });
  }

  /** Makes the symbolic links. @throws ArtifactError `archive.path_escape` before the first one is made */
  finish(): void {
    for (const [name, target] of this.#links.resolved()) {
      const path = this.#handles.place(name);
      explainingDisk(
        () => `cannot make the symbolic link ${toText(name)}`,
        () => symlinkSync(toPath(target), path),
      );
    }
  }

  close(): void {
    this.#handles.close();
  }

  #make<T>(name: CleanName, what: string, make: (path: string | Buffer) => T): T {
    this.#links.delete(name);
    return explainingDisk(
      () => `cannot make the ${what} ${toText(name)}`,
      () => {
        const path = this.#handles.place(name);
        try {
          return make(path);
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
        }
        this.#removeEarlier(name, path);
        return make(path);
      },
    );
  }

  /** A directory that has entries is not replaced: whatever comes instead, something would be lost without a word. */
  #removeEarlier(name: CleanName, path: string | Buffer): void {
    const earlier = lstatSync(path, { throwIfNoEntry: false });
    if (earlier === undefined) return;
    if (!earlier.isDirectory()) {
      unlinkSync(path);
      return;
    }
    try {
      this.#handles.forget(name);
      rmdirSync(path);
    } catch (error) {
      throw corruptArchive(
        `corrupt archive: ${toText(name)} is there twice, once as a directory with entries`,
        error,
      );
    }
  }

  #isDirectory(name: CleanName): boolean {
    return lstatSync(this.#handles.place(name), { throwIfNoEntry: false })?.isDirectory() ?? false;
  }

  #linkOrCopy(source: string | Buffer, path: string | Buffer): void {
    try {
      this.#link(source, path);
    } catch (error) {
      if (!NO_HARD_LINKS.has((error as NodeJS.ErrnoException).code ?? "")) throw error;
      copyFileSync(source, path, constants.COPYFILE_EXCL);
    }
  }
}

/**
 * `process.umask()` reads by setting it to 0 for a moment, in which another artifact's file could be
 * made with the wrong mode (DEP0139).
 */
function readUmask(): number {
  const line = /^Umask:\s*([0-7]+)$/m.exec(readFileSync("/proc/self/status", "latin1"));
  return line?.[1] === undefined ? PERMISSIONS : Number.parseInt(line[1], 8);
}
