import { read, readSync } from "node:fs";
import { pipeline } from "node:stream";
import { promisify } from "node:util";
import { createInflateRaw, inflateRawSync, type ZlibOptions } from "node:zlib";
import type { ArtifactError } from "@skein/contract";
import type { Entry } from "yauzl";
import { metered } from "./busy-stage.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { explainingDisk } from "./disk-error.ts";
import type { StageMeter } from "./stage-meter.ts";

const CHUNK_BYTES = 256 * 1024;
const readAsync = promisify(read);

const LOCAL_HEADER_BYTES = 30;

/** Where an entry's data begins: its local header repeats the name and has an extra field of its own. */
export function locateData(fd: number, entry: Entry, name: string): number {
  const at = entry.relativeOffsetOfLocalHeader;
  if (!Number.isSafeInteger(at)) throw truncatedZip(name); // zip64 has room for what read(2) has not
  const header = readExactly(fd, at, LOCAL_HEADER_BYTES, name);
  if (header.readUInt32LE(0) !== 0x04034b50) {
    throw corruptArchive(`corrupt zip archive: there is no header where ${name} should begin`);
  }
  return at + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
}

/** The whole entry at once, at most as long as it is listed. */
export function inflateSmall(fd: number, entry: Entry, start: number, name: string): Buffer {
  const packed = readExactly(fd, start, entry.compressedSize, name);
  if (entry.compressionMethod === 0) return packed;
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(entry.uncompressedSize, 1) });
  } catch (error) {
    throw corruptArchive(`corrupt zip archive: ${name}: ${(error as Error).message}`, error);
  }
}

/** The entry chunk by chunk; the caller checks length and checksum. */
export async function* inflateBig(
  fd: number,
  entry: Entry,
  name: string,
  meter: StageMeter,
): AsyncGenerator<Buffer, void, undefined> {
  const start = locateData(fd, entry, name);
  if (entry.compressedSize === 0) return;
  const packed = metered(readRange(fd, start, entry.compressedSize, name), "disk", meter);
  if (entry.compressionMethod === 0) return yield* packed;
  const settings: ZlibOptions & { highWaterMark: number } = {
    chunkSize: CHUNK_BYTES,
    highWaterMark: 4 * CHUNK_BYTES,
  };
  // The iterator reports the failure of either; the callback only keeps pipeline from throwing it as well.
  const inflated = pipeline(packed, createInflateRaw(settings), () => undefined);
  try {
    yield* metered(inflated as AsyncIterable<Buffer>, "decompress", meter);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!code?.startsWith("Z_")) throw error;
    throw corruptArchive(`corrupt zip archive: ${name}: ${message}`, error);
  }
}

async function* readRange(
  fd: number,
  start: number,
  bytes: number,
  name: string,
): AsyncGenerator<Buffer, void, undefined> {
  for (let at = 0; at < bytes; ) {
    const chunk = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, bytes - at));
    const { bytesRead } = await readAsync(fd, chunk, 0, chunk.length, start + at);
    if (bytesRead === 0) throw truncatedZip(name);
    at += bytesRead;
    yield chunk.subarray(0, bytesRead);
  }
}

function truncatedZip(name: string): ArtifactError {
  return corruptArchive(`truncated zip archive: it ends within ${name}`);
}

function readExactly(fd: number, start: number, bytes: number, name: string): Buffer {
  const read = Buffer.allocUnsafe(bytes);
  for (let filled = 0; filled < bytes; ) {
    const count = explainingDisk(
      () => `cannot read ${name} in the zip`,
      () => readSync(fd, read, filled, bytes - filled, start + filled),
    );
    if (count === 0) throw truncatedZip(name);
    filled += count;
  }
  return read;
}
