import { constants, createZstdDecompress } from "node:zlib";
import { ArtifactError } from "@skein/contract";
import { corruptArchive } from "./corrupt-archive.ts";
import { type DecompressOptions, runDecompressor, STREAM_SETTINGS } from "./run-decompressor.ts";
import { zstdFrames } from "./zstd-frames.ts";

/** 128 MiB, where the zstd program stops as well unless it is told otherwise; so much memory one archive may take. */
const MAX_WINDOW_LOG = 27;

/**
 * Decompresses zstd, of one frame or several; frames that hold no data are passed over. The whole source is read:
 * checksums where there are any, lengths and truncation are checked, and anything behind the last frame is an error.
 *
 * @throws ArtifactError `archive.corrupt`, `archive.unsupported_entry` for a window of more than 128 MiB and for what was
 *   compressed with a dictionary, `archive.limit_exceeded`, and whatever the source throws
 */
export function unzstd(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const decompressor = createZstdDecompress({
    ...STREAM_SETTINGS,
    params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG },
  });
  // What follows a frame has been judged by zstdFrames, which also ends a chunk with each.
  const format = { decompressor, explain: zstdError, checkRest: () => undefined, keepsChunks: true };
  return runDecompressor(zstdFrames(source), format, options);
}

function zstdError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return corruptArchive("truncated zstd data: unexpected end of file", error);
  if (!code?.startsWith("ZSTD_error_")) return error;
  if (code === "ZSTD_error_frameParameter_windowTooLarge") {
    return unsupported("zstd data that needs a window of more than 128 MiB", "Pack without --long.", error);
  }
  if (code === "ZSTD_error_dictionary_wrong") {
    return unsupported("zstd data that needs a dictionary", "Pack without a dictionary.", error);
  }
  return corruptArchive(`corrupt zstd data: ${message}`, error);
}

function unsupported(what: string, remedy: string, cause: unknown): ArtifactError {
  return new ArtifactError(`${what} is not supported`, { code: "archive.unsupported_entry", remedy, cause });
}
