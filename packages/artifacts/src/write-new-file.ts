import { closeSync, constants, openSync, writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { translateDiskError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

/** Never follows a link, never touches what is already there. */
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
/** Readable by whoever runs the main container; the process's umask decides. (Upstream's S3 files are 0600.) */
const FILE_MODE = 0o666;
/** Up to here a file is written with three calls at once: an asynchronous call each costs ten times more. */
const SMALL_FILE_BYTES = 1024 * 1024;

/**
 * Writes a stream into a file that must not exist yet.
 *
 * @returns the bytes written
 * @throws ArtifactError for what the disk refuses; the errors of `source` as they are
 */
export async function writeNewFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  meter: StageMeter,
): Promise<number> {
  const held: Uint8Array[] = [];
  let heldBytes = 0;
  let file: FileHandle | undefined;
  let writtenBytes = 0;
  const onDisk = async <T>(work: () => Promise<T> | T): Promise<T> => {
    meter.enter("disk");
    try {
      return await work();
    } catch (error) {
      throw translateDiskError(error, `cannot write ${path}`);
    } finally {
      meter.leave("disk");
    }
  };
  try {
    for await (const chunk of source) {
      held.push(chunk);
      heldBytes += chunk.byteLength;
      if (heldBytes < SMALL_FILE_BYTES) continue;
      await onDisk(async () => {
        file ??= await open(path, NEW_FILE, FILE_MODE);
        await writeAll(file, held);
      });
      writtenBytes += heldBytes;
      held.length = 0;
      heldBytes = 0;
    }
    await onDisk(() => (file ? writeAll(file, held) : writeAtOnce(path, held)));
    return writtenBytes + heldBytes;
  } finally {
    await file?.close();
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
