/** Where an archive is unpacked, as an attacker would know it. Both are absolute. */
export interface Place {
  into: string;
  /** A directory that the attack is after, `../victim` from the root of the archive. */
  victim: string;
}

/** What is at a path, such as `dir 755`, `file 644 @1700000000 "text"`, `link -> target`; names one character per byte. */
export type Tree = Record<string, string>;

/** What must come of it: an error by its code and words, or exactly this tree, with everything left out reported. */
export type Outcome =
  | { refused: string; because: RegExp }
  | { tree: Tree | ((place: Place) => Tree); skipped?: readonly string[] };

/** One hostile archive. */
export interface HostileArchive {
  /** Where the shape was described: an advisory, or the commit that mended it. */
  advisory: string;
  /** What is odd about it, in a few words. Unique within its kind. */
  what: string;
  bytes: (place: Place) => Buffer;
  outcome: Outcome;
  /** What the operator allows, where the defaults would let a bomb go on for a gigabyte. */
  limits?: { maxBytes: number };
}

/** What stands for a file of {@link file} and a directory of {@link directory} in a tree. */
export const FILE = 'file 644 @1700000000 "data"';
export const DIRECTORY = "dir 755";

export const escapes = (because: RegExp): Outcome => ({ refused: "archive.path_escape", because });
export const corrupt = (because: RegExp): Outcome => ({ refused: "archive.corrupt", because });
export const unsupported = (because: RegExp): Outcome => ({
  refused: "archive.unsupported_entry",
  because,
});

/** The place that the corpus is built for when it is written to files. */
export const SOMEWHERE: Place = { into: "/work/into", victim: "/work/victim" };
