// For drivers and the transfer engine: what moves artifacts in and out of archives.

export type { CleanName } from "./clean-entry-name.ts";
export { decompressTar } from "./decompress-tar.ts";
export type { DeflateOptions } from "./deflate-blocks.ts";
export { blocksInFlight, type CompressSlots } from "./deflate-blocks.ts";
export type { Detected } from "./detect-archive.ts";
export { detectArchive } from "./detect-archive.ts";
export { DirectoryHandles } from "./directory-handles.ts";
export { EntryAdmission } from "./entry-admission.ts";
export type { ExtractReport, FileMoved } from "./extract-report.ts";
export { extractTar } from "./extract-tar.ts";
export { extractZip } from "./extract-zip.ts";
export { gunzip } from "./gunzip.ts";
export { gzip } from "./gzip.ts";
export { makeDirectoryForAll, makingDirectories } from "./making-directories.ts";
export type { PackOptions } from "./pack-tar.ts";
export { packTar } from "./pack-tar.ts";
export { packZip } from "./pack-zip.ts";
// For drivers whose names are text, and for those that send the members of a packed tar one by one.
export type { RawName } from "./raw-name.ts";
export { toRaw, toText } from "./raw-name.ts";
export { releaseMemory, releaseRead } from "./release-memory.ts";
export type { DecompressOptions } from "./run-decompressor.ts";
export { settleExtraction } from "./settle-extraction.ts";
export { SizelessFile } from "./sizeless-file.ts";
export type { SourceEntry } from "./source-tree.ts";
export { SourceTree } from "./source-tree.ts";
// For whoever measures and configures: the executor's stage clock and its environment.
export type { ArchiveStage, StageMeter } from "./stage-meter.ts";
export type { TarEntry } from "./tar-header.ts";
export type { TarEvent } from "./tar-reader.ts";
export { TarReader } from "./tar-reader.ts";
export type { UnpackLimits } from "./unpack-limits.ts";
export { DEFAULT_UNPACK_LIMITS, parseUnpackLimits } from "./unpack-limits.ts";
export type { ExtractOptions } from "./unpacker.ts";
export { unzstd } from "./unzstd.ts";
