import { closeSync, constants, fstatSync, openSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { releaseMemory } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import { translateDiskError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

const readAsync = promisify(read);

/** Read in one synchronous call up to here: for small files, asynchronous calls cost ten times the reading. */
const SMALL_FILE_BYTES = 256 * 1024;
const CHUNK_BYTES = 512 * 1024;

export interface ReadExactlyOptions {
  meter: StageMeter;
  /** Opens the file; the descriptor is closed here. Default: by its path, which must not be a link. */
  openFile?: (() => number) | undefined;
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
  {
    meter,
    openFile = () => openPath(path, constants.O_NOFOLLOW),
    onGrown,
    lends = false,
  }: ReadExactlyOptions,
): AsyncGenerator<Uint8Array> {
  const file = onDisk(meter, path, () => {
    const fd = openFile();
    try {
      requireFile(fd, path);
      return fd;
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  });
  const sizeNow = (): number => onDisk(meter, path, () => fstatSync(file).size);
  let ahead: Promise<Uint8Array> | undefined;
  try {
    if (sizeBytes <= SMALL_FILE_BYTES) {
      const bytes = onDisk(meter, path, () => readAtOnce(file, path, sizeBytes));
      if (onGrown) noteGrowth(path, sizeBytes, sizeNow(), onGrown);
      if (bytes.byteLength > 0) yield bytes;
      return;
    }
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
    if (onGrown) noteGrowth(path, sizeBytes, sizeNow(), onGrown);
  } finally {
    await ahead?.catch(() => {}); // nobody wants it any more; the file must not be closed under it
    closeSync(file);
  }
}

/** A fifo that has taken the file's place would keep open(2) waiting for a writer that never comes. */
export function openPath(path: string, flags = 0): number {
  return openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | flags);
}

function noteGrowth(path: string, promisedBytes: number, foundBytes: number, onGrown: OnGrown): void {
  if (foundBytes > promisedBytes) onGrown(path, promisedBytes, foundBytes);
}

function readAtOnce(fd: number, path: string, sizeBytes: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(sizeBytes);
  for (let position = 0; position < sizeBytes; ) {
    const bytesRead = readSync(fd, bytes, position, sizeBytes - position, position);
    if (bytesRead === 0) throw shrunk(path, sizeBytes, position);
    position += bytesRead;
  }
  return bytes;
}

function onDisk<T>(meter: StageMeter, path: string, work: () => T): T {
  meter.enter("disk");
  try {
    return work();
  } catch (error) {
    throw translateDiskError(error, `cannot read ${path}`);
  } finally {
    meter.leave("disk");
  }
}

/** A failure is met when the chunk is waited for, which may be much later. */
function readAhead(fd: number, position: number, sizeBytes: number): Promise<Uint8Array> {
  const chunk = readChunk(fd, position, sizeBytes);
  chunk.catch(() => {});
  return chunk;
}

async function readChunk(fd: number, position: number, sizeBytes: number): Promise<Uint8Array> {
  const buffer = Buffer.allocUnsafeSlow(Math.min(CHUNK_BYTES, sizeBytes - position));
  if (buffer.byteLength === 0) return buffer;
  const { bytesRead } = await readAsync(fd, buffer, 0, buffer.byteLength, position);
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

function requireFile(fd: number, path: string): void {
  if (fstatSync(fd).isFile()) return;
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
