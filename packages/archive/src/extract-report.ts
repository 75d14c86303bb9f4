/** What came out of an archive. */
export interface ExtractReport {
  /** Regular files written; one that a later entry replaced counts as well. */
  files: number;
  /** Directory entries, not the parents that were implied. */
  directories: number;
  symlinks: number;
  hardlinks: number;
  unpackedBytes: number;
  /** What the archive holds and the directory does not; the first {@link MAX_LISTED}. */
  skipped: { path: string; reason: string }[];
  /** All of them. */
  skippedEntries: number;
  /** Distinct first components of the entries made, the first {@link MAX_LISTED}. */
  topLevel: string[];
}

/** A moved file, as it is finished. */
export interface FileMoved {
  /** Name in the archive, such as `dir/file`. */
  file: string;
  sizeBytes: number;
  durationMs: number;
  /** Bytes of the files before this one. */
  offsetBytes: number;
}

/** A report is for people and must not grow with the archive. */
export const MAX_LISTED = 100;

export function emptyReport(): ExtractReport {
  return {
    files: 0,
    directories: 0,
    symlinks: 0,
    hardlinks: 0,
    unpackedBytes: 0,
    skipped: [],
    skippedEntries: 0,
    topLevel: [],
  };
}
