import { ArtifactError } from "@skein/contract";
import { type DeflateOptions, Deflater, type DeflateTotals, deflateBlocks } from "./deflate-blocks.ts";

/** As Go writes it: no name, no time, operating system unknown (contract §13.2). */
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff]);

/**
 * Compresses to one gzip member, on several cores; any gunzip reads it.
 *
 * @throws ArtifactError `template.invalid` for a level that gzip does not have, in Go's words
 */
export async function* gzip(
  source: AsyncIterable<Uint8Array>,
  options: DeflateOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  checkLevel(options.level ?? -1);
  const totals: DeflateTotals = { crc32: 0, sizeBytes: 0, deflatedBytes: 0 };
  yield HEADER;
  const deflater = new Deflater(options);
  try {
    yield* deflateBlocks(source, deflater, totals);
  } finally {
    deflater.close();
  }
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(totals.crc32, 0);
  trailer.writeUInt32LE(totals.sizeBytes % 2 ** 32, 4);
  yield trailer;
}

function checkLevel(level: number): void {
  if (Number.isInteger(level) && level >= -2 && level <= 9) return;
  throw new ArtifactError(`gzip: invalid compression level: ${level}`, {
    code: "template.invalid",
    remedy: "Set archive.tar.compressionLevel to a number from -2 to 9.",
  });
}
