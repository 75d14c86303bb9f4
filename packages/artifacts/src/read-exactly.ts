import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { releaseMemory } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import { translateDiskError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

/** Read in one synchronous call up to here: for small files, asynchronous calls cost ten times the reading. */
const SMALL_FILE_BYTES = 256 * 1024;
const CHUNK_BYTES = 512 * 1024;

export interface ReadExactlyOptions {
  meter: StageMeter;
  /** Default false: what was a file when it was looked at must still be one. */
  followLinks?: boolean;
  /** Told when there is more in the file than was promised. */
  onGrown?: OnGrown | undefined;
  /** Whether each chunk is copied before the next one is asked for: then its memory is given back. Default false. */
  lends?: boolean | undefined;
}

/** Bytes that were promised, and that were there in the end. */
export type OnGrown = (path: string, promisedBytes: number, foundBytes: number) => void;

/**
 * The first `sizeBytes` bytes of a file: the length that was promised to the other side. A file that grows is cut
 * there; one that has shrunk is an error that names it. Reads one chunk ahead, so that disk and network overlap.
 */
export async function* readExactly(
  path: string,
  sizeBytes: number,
  { meter, followLinks = false, onGrown, lends = false }: ReadExactlyOptions,
): AsyncGenerator<Uint8Array> {
  // A fifo that has taken the file's place would keep open(2) waiting for a writer that never comes.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (followLinks ? 0 : constants.O_NOFOLLOW);
  if (sizeBytes <= SMALL_FILE_BYTES) {
    const bytes = readAtOnce(path, sizeBytes, flags, { meter, onGrown });
    if (bytes.byteLength > 0) yield bytes;
    return;
  }
  const file = await waiting(open(path, flags), path, meter);
  let ahead: Promise<Uint8Array> | undefined;
  try {
    requireFile(await waiting(file.stat(), path, meter), path);
    let position = 0;
    ahead = readAhead(file, 0, sizeBytes);
    while (position < sizeBytes) {
      const chunk = await waiting(ahead, path, meter);
      if (chunk.byteLength === 0) throw shrunk(path, sizeBytes, position);
      position += chunk.byteLength;
      ahead = readAhead(file, position, sizeBytes);
      yield chunk;
      if (lends) releaseMemory(chunk);
    }
    if (onGrown) noteGrowth(path, sizeBytes, (await waiting(file.stat(), path, meter)).size, onGrown);
  } finally {
    await ahead?.catch(() => {}); // nobody wants it any more; the file must not be closed under it
    await file.close();
  }
}

function noteGrowth(path: string, promisedBytes: number, foundBytes: number, onGrown: OnGrown): void {
  if (foundBytes > promisedBytes) onGrown(path, promisedBytes, foundBytes);
}

function readAtOnce(
  path: string,
  sizeBytes: number,
  flags: number,
  { meter, onGrown }: Pick<ReadExactlyOptions, "meter" | "onGrown">,
): Uint8Array {
  meter.enter("disk");
  try {
    const fd = openSync(path, flags);
    try {
      requireFile(fstatSync(fd), path);
      const bytes = Buffer.allocUnsafe(sizeBytes);
      for (let position = 0; position < sizeBytes; ) {
        const bytesRead = readSync(fd, bytes, position, sizeBytes - position, position);
        if (bytesRead === 0) throw shrunk(path, sizeBytes, position);
        position += bytesRead;
      }
      if (onGrown) noteGrowth(path, sizeBytes, fstatSync(fd).size, onGrown);
      return bytes;
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw translateDiskError(error, `cannot read ${path}`);
  } finally {
    meter.leave("disk");
  }
}

/** A failure is met when the chunk is waited for, which may be much later. */
function readAhead(file: FileHandle, position: number, sizeBytes: number): Promise<Uint8Array> {
  const chunk = readChunk(file, position, sizeBytes);
  chunk.catch(() => {});
  return chunk;
}

async function readChunk(file: FileHandle, position: number, sizeBytes: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, sizeBytes - position));
  if (buffer.byteLength === 0) return buffer;
  const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
  return buffer.subarray(0, bytesRead);
}

/** The disk is busy only while somebody waits for it. */
async function waiting<T>(work: Promise<T>, path: string, meter: StageMeter): Promise<T> {
  meter.enter("disk");
  try {
    return await work;
  } catch (error) {
    throw translateDiskError(error, `cannot read ${path}`);
  } finally {
    meter.leave("disk");
  }
}

function requireFile(found: Stats, path: string): void {
  if (found.isFile()) return;
  throw new ArtifactError(`${path} was a file and is none any more`, {
    code: "archive.source_changed",
    remedy: "let whatever writes the file finish before the step ends",
  });
}

function shrunk(path: string, wanted: number, got: number): ArtifactError {
  return new ArtifactError(`${path} had ${wanted} bytes and ended after ${got} while it was read`, {
    code: "archive.source_changed",
    remedy: "let whatever writes the file finish before the step ends",
  });
}
