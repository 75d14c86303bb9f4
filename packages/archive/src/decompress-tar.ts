import { gunzip } from "./gunzip.ts";
import { PeekedSource } from "./peeked-source.ts";
import type { DecompressOptions } from "./run-decompressor.ts";
import { BLOCK_BYTES, hasValidChecksum, isZeroBlock } from "./tar-header.ts";
import { unzstd } from "./unzstd.ts";
import { isSkippableMagic, ZSTD_MAGIC } from "./zstd-frames.ts";

/**
 * The tar in what a template declares to be one: gzip, as upstream takes it alone, or zstd, or the tar as it is, told
 * apart by their first bytes. Anything else is gzip that is damaged.
 *
 * @throws ArtifactError `archive.corrupt`, `archive.unsupported_entry`, `archive.limit_exceeded`, and whatever the
 *   source throws
 */
export async function* decompressTar(
  source: AsyncIterable<Uint8Array>,
  options: DecompressOptions = {},
): AsyncGenerator<Uint8Array, void, undefined> {
  const peeked = new PeekedSource(source);
  const magic = await peeked.peek(ZSTD_MAGIC.length);
  if (magic.equals(ZSTD_MAGIC) || isSkippableMagic(magic)) yield* unzstd(peeked, options);
  else if (isTar(magic, await peeked.peek(BLOCK_BYTES))) yield* peeked;
  else yield* gunzip(peeked, options);
}

/** A tar without entries is zeros from the beginning. */
function isTar(magic: Buffer, block: Buffer): boolean {
  if (block.length < BLOCK_BYTES || (magic[0] === 0x1f && magic[1] === 0x8b)) return false;
  return hasValidChecksum(block, 0) || isZeroBlock(block, 0);
}
