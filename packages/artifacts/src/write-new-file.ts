import { closeSync, constants, openSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { releaseRead } from "@skein/archive";
import { translateDiskError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

/** Never follows a link, never touches what is already there. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Readable by whoever runs the main container; the process's umask decides. (Upstream's S3 files are 0600.) */
const FILE_MODE = 0o666;
/** Up to here a file is written with three calls at once; beyond, so many bytes are gathered for each write. */
const BATCH_BYTES = 1024 * 1024;

/**
 * Writes a stream into a file that must not exist yet. While one batch is written, the next one is gathered.
 *
 * @returns the bytes written
 * @throws ArtifactError for what the disk refuses; the errors of `source` as they are
 */
export async function writeNewFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  meter: StageMeter,
): Promise<number> {
  const disk = new WaitedForDisk(path, meter);
  let batch: Uint8Array[] = [];
  let batchBytes = 0;
  let writtenBytes = 0;
  let file: FileHandle | undefined;
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const chunk of source) {
      batch.push(chunk);
      batchBytes += chunk.byteLength;
      if (batchBytes < BATCH_BYTES) continue;
      file ??= await disk.wait(() => open(path, NEW_FILE, FILE_MODE));
      await disk.wait(() => writing);
      writing = writeAll(file, batch);
      writing.catch(() => {}); // met at the next wait
      writtenBytes += batchBytes;
      batch = [];
      batchBytes = 0;
    }
    await disk.wait(() => writing);
    await disk.wait(() => (file ? writeAll(file, batch) : writeAtOnce(path, batch)));
    return writtenBytes + batchBytes;
  } finally {
    await writing.catch(() => {}); // the file must not be closed under it
    await file?.close();
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
      throw translateDiskError(error, `cannot write ${this.#path}`);
    } finally {
      this.#meter.leave("disk");
    }
  }
}

function writeAtOnce(path: string, chunks: readonly Uint8Array[]): void {
  const fd = openSync(path, NEW_FILE, FILE_MODE);
  try {
    for (const chunk of chunks) {
      for (let offset = 0; offset < chunk.byteLength; ) offset += writeSync(fd, chunk, offset);
    }
  } finally {
    closeSync(fd);
  }
}

async function writeAll(file: FileHandle, chunks: readonly Uint8Array[]): Promise<void> {
  for (const chunk of chunks) {
    for (let offset = 0; offset < chunk.byteLength; ) {
      offset += (await file.write(chunk, offset)).bytesWritten;
    }
  }
}

/** Pieces of a file that are written at the same time; each is as long as what a socket brings. */
type Scatter = (write: (chunk: Uint8Array, position: number) => Promise<void>) => Promise<void>;

/**
 * Writes pieces into a file that must not exist yet, each to its place, in whatever order they come. The pieces are nobody
 * else's: their memory is given back when they are written.
 *
 * @param connections how many bring pieces at the moment
 * @returns the length of the file
 * @throws ArtifactError for what the disk refuses; the errors of `scatter` as they are
 */
export async function writeScattered(
  path: string,
  scatter: Scatter,
  meter: StageMeter,
  connections: () => number,
): Promise<number> {
  const disk = new WaitedForDisk(path, meter);
  const shared = new SharedDisk(meter, connections);
  const file = await disk.wait(() => open(path, NEW_FILE, FILE_MODE));
  let lengthBytes = 0;
  try {
    await scatter(async (chunk, position) => {
      try {
        await shared.during(() => writeAt(file, chunk, position));
      } catch (error) {
        throw translateDiskError(error, `cannot write ${path}`);
      }
      lengthBytes = Math.max(lengthBytes, position + chunk.byteLength);
      releaseRead(chunk);
    });
    return lengthBytes;
  } finally {
    await file.close();
  }
}

/** A disk that several connections write to is what holds the transfer up while most of them wait for it. */
class SharedDisk {
  readonly #meter: StageMeter;
  readonly #connections: () => number;
  #writing = 0;
  #stage: "disk" | "disk_behind" | undefined;

  constructor(meter: StageMeter, connections: () => number) {
    this.#meter = meter;
    this.#connections = connections;
  }

  async during(write: () => Promise<void>): Promise<void> {
    this.#changed(1);
    try {
      await write();
    } finally {
      this.#changed(-1);
    }
  }

  #changed(by: 1 | -1): void {
    this.#writing += by;
    const holdsUp = 2 * this.#writing > this.#connections();
    const stage = this.#writing === 0 ? undefined : holdsUp ? "disk" : "disk_behind";
    if (stage === this.#stage) return;
    if (stage) this.#meter.enter(stage);
    if (this.#stage) this.#meter.leave(this.#stage);
    this.#stage = stage;
  }
}

async function writeAt(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  let written = 0;
  while (written < chunk.byteLength) {
    const { bytesWritten } = await file.write(chunk, written, chunk.byteLength - written, position + written);
    written += bytesWritten;
  }
}
