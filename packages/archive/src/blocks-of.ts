/**
 * Cuts a stream into blocks of exactly `blockBytes`, the last one shorter; an empty stream has none.
 * Blocks are copies unless a chunk happens to be one.
 */
export async function* blocksOf(
  source: AsyncIterable<Uint8Array>,
  blockBytes: number,
): AsyncGenerator<Buffer, void, undefined> {
  let block: Buffer | undefined;
  let filled = 0;
  for await (const chunk of source) {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    for (let at = 0; at < bytes.length; ) {
      if (filled === 0 && at === 0 && bytes.length === blockBytes) {
        yield bytes;
        break;
      }
      block ??= Buffer.allocUnsafeSlow(blockBytes);
      const copied = bytes.copy(block, filled, at);
      at += copied;
      filled += copied;
      if (filled < blockBytes) continue;
      yield block;
      block = undefined;
      filled = 0;
    }
  }
  if (block !== undefined && filled > 0) yield block.subarray(0, filled);
}
