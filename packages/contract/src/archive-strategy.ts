import type { Archive } from "./template.ts";

/**
 * How an artifact is packed (contract §11.3, §13.1).
 * `auto` is the absence of a choice: tar and gzip on save, detection by content on load.
 */
export type ArchiveStrategy =
  | { type: "none" }
  | { type: "zip" }
  | { type: "tar"; compressionLevel: number | undefined }
  | { type: "auto"; compressionLevel: number | undefined };

export function archiveStrategy(archive: Archive | undefined): ArchiveStrategy {
  if (archive?.none) return { type: "none" };
  if (archive?.zip) return { type: "zip" };
  if (archive?.tar) return { type: "tar", compressionLevel: archive.tar.compressionLevel };
  // An empty object means "do not compress" to upstream's gzip call (contract §11.3).
  return { type: "auto", compressionLevel: archive ? 0 : undefined };
}
