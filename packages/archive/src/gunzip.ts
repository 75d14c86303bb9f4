import { createGunzip } from "node:zlib";
import { corruptArchive } from "./corrupt-archive.ts";
import { type DecompressOptions, runDecompressor, STREAM_SETTINGS } from "./run-decompressor.ts";
import { isZeroes } from "./tar-header.ts";

/**
 * Decompresses gzip, of one member or several. The whole source is read: checksum, length and truncation
 * are checked, zeros behind the last member are padding, and anything else there is an error.
 *
 * @throws ArtifactError `archive.corrupt`, `archive.limit_exceeded`, and whatever the source throws
 */
export function gunzip(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const decompressor = createGunzip(STREAM_SETTINGS);
  return runDecompressor(source, { decompressor, explain: gzipError, checkRest: requireZeros }, options);
}

function requireZeros(bytes: Uint8Array): void {
  if (!isZeroes(bytes)) throw behindEnd();
}

function behindEnd(cause?: unknown): unknown {
  return corruptArchive("corrupt gzip data: something other than padding stands behind the end", cause);
}

function gzipError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return corruptArchive("truncated gzip data: unexpected end of file", error);
  if (code === "ERR_STREAM_PUSH_AFTER_EOF") return behindEnd(error); // a member behind padding
  if (code === "Z_DATA_ERROR" || code === "Z_NEED_DICT")
    return corruptArchive(`corrupt gzip data: ${message}`, error);
  return error;
}
