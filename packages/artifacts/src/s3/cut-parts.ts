const MIB = 1024 * 1024;
/** S3's limits: https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html */
export const MIN_PART_BYTES = 5 * MIB;
export const MAX_PARTS = 10_000;
const MAX_PART_BYTES = 5 * 1024 * MIB;
/** Up to here all parts have the first one's size, and memory stays what it was: 31 GiB of parts of 8 MiB … */
const PARTS_OF_FIRST_SIZE = 4000;
/** … and then it doubles after so many: that reaches 5 TiB, more than which an object may not have, from 5 MiB on, too. */
const PARTS_PER_SIZE = 600;

export interface Part {
  /** From 1. */
  number: number;
  body: Uint8Array;
  /** Nothing comes after it. */
  last: boolean;
}

/**
 * The size of a part. When the length of the whole is known, all parts have one size that makes them fit;
 * otherwise the size grows, so that a short stream costs little memory and a long one still fits.
 */
export function partSize(number: number, firstPartBytes: number, sizeBytes?: number): number {
  if (sizeBytes === undefined) {
    const doublings = Math.ceil(Math.max(0, number - PARTS_OF_FIRST_SIZE) / PARTS_PER_SIZE);
    return Math.min(firstPartBytes * 2 ** doublings, MAX_PART_BYTES);
  }
  const fitting = Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB;
  return Math.max(firstPartBytes, fitting);
}

/**
 * Copies a stream into parts. Knows of each whether it is the last, by looking one chunk ahead; an empty stream is
 * one empty part. The stream's end stays with the caller.
 *
 * @param sizeOf bytes of part n
 * @param bufferOf room for a part, possibly after a wait
 */
export async function* cutParts(
  chunks: AsyncIterator<Uint8Array>,
  sizeOf: (number: number) => number,
  bufferOf: (bytes: number) => Promise<Uint8Array>,
): AsyncGenerator<Part> {
  let rest: Uint8Array | undefined = new Uint8Array();
  const refill = async (): Promise<void> => {
    while (rest?.byteLength === 0) rest = (await chunks.next()).value as Uint8Array | undefined;
  };
  for (let number = 1; ; number++) {
    const buffer = await bufferOf(sizeOf(number));
    let filled = 0;
    for (;;) {
      await refill();
      if (rest === undefined || filled === buffer.byteLength) break;
      const taken = rest.subarray(0, buffer.byteLength - filled);
      buffer.set(taken, filled);
      filled += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
    }
    const last = rest === undefined;
    yield { number, body: buffer.subarray(0, filled), last };
    if (last) return;
  }
}
