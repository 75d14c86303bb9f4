import {
  closeSync,
  constants,
  type Dirent,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  type Stats,
  statSync,
} from "node:fs";
import { basename } from "node:path";
import { ArtifactError } from "@skein/contract";
import { type CleanName, ROOT } from "./clean-entry-name.ts";
import { DirectoryHandles, OPEN_DIRECTORY } from "./directory-handles.ts";
import { diskError, explainingDisk } from "./disk-error.ts";
import { type RawName, toPath, toRaw, toText } from "./raw-name.ts";
import { openingListed, replaced } from "./source-changed.ts";

/** A fifo that takes a file's place in the last moment must not hang us, nor a link lead us away. */
const OPEN_FILE = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Something to be saved. */
export interface SourceEntry {
  /** Where it is, as bytes; for people. */
  path: RawName;
  /** Its name in an archive: `base` for the root, `base/rel` below it, without a trailing slash. */
  name: RawName;
  /** Its place below the root, which is `""`. */
  below: CleanName;
  /** Of the entry itself; of what it points to only at the root. */
  stats: Stats;
}

/** Good until the next entry is asked for. */
export interface OpenedEntry extends SourceEntry {
  /** Of a regular file; not to be closed by the caller. */
  fd: number | undefined;
}

/**
 * A file or a directory that is read while its owner may go on changing it. Links are followed at the root and nowhere
 * else: what lies below is reached by handles, each from its parent's, so that nobody who swaps a directory for a
 * link while we read gets anything into an artifact that is not below the root.
 *
 * To be closed when nothing of it is read any more.
 */
export class SourceTree {
  readonly #path: RawName;
  readonly #name: RawName;
  readonly #stats: Stats;
  readonly #handles: DirectoryHandles | undefined;

  /** @throws ArtifactError `file.not_found` when there is nothing at `root`, `archive.unsupported_entry`, `disk.*` */
  constructor(root: string) {
    this.#stats = statRoot(root);
    if (!this.#stats.isFile() && !this.#stats.isDirectory()) {
      throw new ArtifactError(`${root} is not a regular file or directory`, {
        code: "archive.unsupported_entry",
      });
    }
    const path = explainingDisk(
      () => `cannot resolve ${root}`,
      () => toRaw(realpathSync(root)),
    );
    this.#path = path === "/" ? "" : path;
    // "/" has no name of its own; what unpacks it takes any single top-level directory for the target.
    this.#name = toRaw(basename(root) || "root");
    if (this.#stats.isDirectory()) {
      this.#handles = openingListed(root, "directory", () => new DirectoryHandles(path, this.#openBelow));
    }
  }

  /**
   * What there is, in the order of the names' bytes, each directory before what it holds (contract §13.2). What cannot be
   * read is an error: an artifact with something missing looks like a whole one.
   *
   * Holds the names of one directory per level at a time.
   *
   * @throws ArtifactError `archive.source_changed`, `disk.*`
   */
  entries(): Generator<SourceEntry, void, undefined> {
    return this.#walk((_child, place) => lstatSync(place));
  }

  /** The same with every file opened, which takes one look-up instead of two. */
  *openedEntries(): Generator<OpenedEntry, void, undefined> {
    let fd: number | undefined;
    const look = (child: Dirent, place: string | Buffer): Stats => {
      if (!child.isFile()) return lstatSync(place);
      fd = openSync(place, OPEN_FILE);
      return fstatSync(fd);
    };
    try {
      for (const entry of this.#walk(look)) {
        const { path, name, below, stats } = entry;
        const isFile = stats.isFile();
        if (fd === undefined && isFile) fd = this.openFile(entry); // the root, or what became a file
        if (fd !== undefined && !isFile) throw replaced(toText(path), "file");
        yield { path, name, below, stats, fd };
        if (fd !== undefined) closeSync(fd);
        fd = undefined;
      }
    } finally {
      if (fd !== undefined) closeSync(fd);
    }
  }

  /** A descriptor of a regular file, for the caller to close. @throws ArtifactError `archive.source_changed`, `disk.*` */
  openFile({ path, below }: Pick<SourceEntry, "path" | "below">): number {
    return openingListed(toText(path), "file", () =>
      this.#handles === undefined
        ? openSync(toPath(path), OPEN_FILE)
        : this.#handles.withPlace(below, (place) => openSync(place, OPEN_FILE)),
    );
  }

  /** What a symbolic link says. */
  readLink({ path, below }: SourceEntry): RawName {
    return openingListed(toText(path), "link", () =>
      readlinkSync(this.#handles?.place(below) ?? toPath(path), { encoding: "latin1" }),
    );
  }

  close(): void {
    this.#handles?.close();
  }

  *#walk(look: (child: Dirent, place: string | Buffer) => Stats): Generator<SourceEntry, void, undefined> {
    const handles = this.#handles;
    yield { path: this.#pathOf(ROOT), name: this.#name, below: ROOT, stats: this.#stats };
    if (handles === undefined) return;
    // With a stack of its own: depth must not be paid for with the engine's.
    const stack = [{ below: ROOT, children: this.#readSorted(handles, ROOT) }];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const child = top.children.pop();
      if (child === undefined) {
        stack.pop();
        continue;
      }
      const below = (top.below === ROOT ? child.name : `${top.below}/${child.name}`) as CleanName;
      const path = this.#pathOf(below);
      const stats = openingListed(toText(path), child.isFile() ? "file" : "directory", () =>
        look(child, handles.place(below)),
      );
      yield { path, name: `${this.#name}/${below}`, below, stats };
      if (stats.isDirectory()) stack.push({ below, children: this.#readSorted(handles, below) });
    }
  }

  #pathOf(below: CleanName): RawName {
    return below === ROOT ? this.#path || "/" : `${this.#path}/${below}`;
  }

  readonly #openBelow = (place: string | Buffer, below: CleanName): number =>
    openingListed(toText(this.#pathOf(below)), "directory", () => openSync(place, OPEN_DIRECTORY));

  /** Last name first, to be popped. */
  #readSorted(handles: DirectoryHandles, below: CleanName): Dirent[] {
    const handle = handles.handle(below);
    return explainingDisk(
      () => `cannot list the directory ${toText(this.#pathOf(below))}`,
      () =>
        readdirSync(`/proc/self/fd/${handle}`, { encoding: "latin1", withFileTypes: true }).sort(
          byNameBackwards,
        ),
    );
  }
}

function byNameBackwards(a: Dirent, b: Dirent): number {
  return a.name < b.name ? 1 : -1;
}

function statRoot(root: string): Stats {
  try {
    return statSync(root);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOENT" && code !== "ENOTDIR") throw diskError(error, `cannot read ${root}`);
    throw new ArtifactError(`${root}: no such file or directory`, { code: "file.not_found", cause: error });
  }
}
