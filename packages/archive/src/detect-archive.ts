import { constants, gunzipSync } from "node:zlib";
import { PeekedSource } from "./peeked-source.ts";
import { BLOCK_BYTES, hasValidChecksum } from "./tar-header.ts";

/** A gzip header may carry a name and a comment; beyond this nobody's does. */
const MAX_LOOK_BYTES = 64 * 1024;

export interface Detected {
  kind: "tar.gz" | "plain";
  /** The same bytes as before, from the beginning. */
  source: AsyncIterable<Uint8Array>;
}

/**
 * Tells a gzipped tar from anything else by its first bytes, as upstream does when a template does not say
 * (contract §13.1): the gzip header and a first tar header must be readable. So an empty tar, a plain tar,
 * a zip and zstd are `plain`.
 *
 * Looks at as little as it can: upstream's way has hung on huge gzip files that are no tar (AW#2140).
 */
export async function detectArchive(source: AsyncIterable<Uint8Array>): Promise<Detected> {
  const peeked = new PeekedSource(source);
  let kind: Detected["kind"] | undefined;
  for (let wantedBytes = 1024; kind === undefined; wantedBytes *= 2) {
    const head = await peeked.peek(wantedBytes);
    kind = judge(head, peeked.isAll || wantedBytes >= MAX_LOOK_BYTES);
  }
  return { kind, source: peeked };
}

/** @returns undefined when it takes more bytes to tell */
function judge(head: Buffer, isAll: boolean): Detected["kind"] | undefined {
  if (head[0] !== 0x1f || (head.length > 1 && head[1] !== 0x8b)) return "plain";
  const unpacked = unpackFirstBlock(head);
  if (unpacked === undefined) return "plain"; // not gzip after all, or damaged before the first header
  if (unpacked.length >= BLOCK_BYTES) return hasValidChecksum(unpacked, 0) ? "tar.gz" : "plain";
  return isAll ? "plain" : undefined;
}

/**
 * Unpacks as little as gives the first tar header. What is damaged behind it – in a small archive that is all here,
 * checksum included – must not hide that this is an archive, or it would be handed over as a plain file.
 *
 * @returns undefined when there is nothing to unpack before the damage
 */
function unpackFirstBlock(head: Buffer): Buffer | undefined {
  let unpacked: Buffer | undefined;
  let good = 0;
  for (let step = Math.max(64, head.length >> 4); step > 0; ) {
    const end = Math.min(good + step, head.length);
    try {
      unpacked = gunzipSync(head.subarray(0, end), { finishFlush: constants.Z_SYNC_FLUSH });
    } catch {
      step >>= 1; // the damage lies between here and there: come closer to it
      continue;
    }
    good = end;
    if (unpacked.length >= BLOCK_BYTES || end === head.length) return unpacked;
  }
  return unpacked;
}
