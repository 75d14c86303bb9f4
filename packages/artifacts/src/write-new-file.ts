import { closeSync, constants, openSync, write, writeSync, writev } from "node:fs";
import { promisify } from "node:util";
import { releaseRead } from "@skein/archive";
import { translateWriteError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

const writeAsync = promisify(write);
const writevAsync = promisify(writev);

/** Never follows a link, never touches what is already there. */
export const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Readable by whoever runs the main container; the process's umask decides. (Upstream's S3 files are 0600.) */
export const FILE_MODE = 0o666;
/** Up to here a file is written with three calls at once; beyond, so many bytes are gathered for each write. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Writes a stream into a file that must not exist yet. While one batch is written, the next one is gathered.
 *
 * @param create opens the file, when its first bytes are there; closed here. Default: by its path
 * @returns the bytes written
 * @throws ArtifactError for what the disk refuses; the errors of `source` as they are
 */
export async function writeNewFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  meter: StageMeter,
  create = () => openSync(path, NEW_FILE, FILE_MODE),
): Promise<number> {
  const disk = new WaitedForDisk(path, meter);
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let writtenBytes = 0;
  let file: number | undefined;
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const chunk of source) {
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      if (batchBytes < BATCH_BYTES) continue;
      file ??= await disk.wait(create);
      await disk.wait(() => writing);
      writing = writeAll(file, batch);
      writing.catch(() => {}); // met at the next wait
      writtenBytes += batchBytes;
      batch = [];
      batchBytes = 0;
    }
    await disk.wait(() => writing);
    await disk.wait(() => (file === undefined ? writeAtOnce(create, batch) : writeAll(file, batch)));
    return writtenBytes + batchBytes;
  } finally {
    await writing.catch(() => {}); // the file must not be closed under it
    if (file !== undefined) closeSync(file);
  }
}

/** The disk is busy only while somebody waits for it. */
class WaitedForDisk {
  readonly #path: string;
  readonly #meter: StageMeter;

  constructor(path: string, meter: StageMeter) {
    this.#path = path;
    this.#meter = meter;
  }

  async wait<T>(work: () => Promise<T> | T): Promise<T> {
    this.#meter.enter("disk");
    try {
      return await work();
    } catch (error) {
      throw translateWriteError(error, `cannot write ${this.#path}`);
    } finally {
      this.#meter.leave("disk");
    }
  }
}

function writeAtOnce(create: () => number, chunks: readonly Uint8Array[]): void {
  const fd = create();
  try {
    for (const chunk of chunks) {
      for (let offset = 0; offset < chunk.byteLength; ) offset += writeSync(fd, chunk, offset);
    }
  } finally {
    closeSync(fd);
  }
}

async function writeAll(fd: number, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.byteLength; ) {
      offset += (await writeAsync(fd, chunk, offset, chunk.byteLength - offset, null)).bytesWritten;
    }
  }
}

/** Pieces of a file that are written at the same time, each of some chunks. */
type Scatter = (write: (chunks: readonly Uint8Array[], position: number) => Promise<void>) => Promise<void>;

/**
 * Writes pieces into a file that must not exist yet, each to its place, in whatever order they come. Whoever brings them knows
 * when it waits for the disk. The pieces are nobody else's: their memory is given back when they are written.
 *
 * @returns the length of the file
 * @throws ArtifactError for what the disk refuses; the errors of `scatter` as they are
 */
export async function writeScattered(path: string, scatter: Scatter, meter: StageMeter): Promise<number> {
  const disk = new WaitedForDisk(path, meter);
  const file = await disk.wait(() => openSync(path, NEW_FILE, FILE_MODE));
  let lengthBytes = 0;
  try {
    await scatter(async (chunks, position) => {
      try {
        const end = await writeAt(file, chunks, position);
        lengthBytes = Math.max(lengthBytes, end); // not before the wait: others write meanwhile
      } catch (error) {
        throw translateWriteError(error, `cannot write ${path}`);
      }
      for (const chunk of chunks) releaseRead(chunk);
    });
    return lengthBytes;
  } finally {
    closeSync(file);
  }
}

/** @returns the position behind them */
async function writeAt(fd: number, chunks: readonly Uint8Array[], position: number): Promise<number> {
  let rest = [...chunks];
  let next = position;
  while (rest.length > 0) {
    const { bytesWritten } = await writevAsync(fd, rest, next);
    next += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
  return next;
}

/** What is left of chunks of which so many bytes have been written. */
function behind(chunks: readonly Uint8Array[], bytes: number): Uint8Array[] {
  let left = bytes;
  return chunks.flatMap((chunk) => {
    const gone = Math.min(left, chunk.byteLength);
    left -= gone;
    return gone === chunk.byteLength ? [] : [chunk.subarray(gone)];
  });
}
