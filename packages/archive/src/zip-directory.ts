import { fstatSync, readSync } from "node:fs";
import { ArtifactError } from "@skein/contract";
import yauzl, { type Entry } from "yauzl";
import { corruptArchive } from "./corrupt-archive.ts";
import { diskError } from "./disk-error.ts";

/** What may stand behind the last entry: the end of the directory, or its zip64 form. */
const END_SIGNATURES = new Set([0x06054b50, 0x06064b50]);

/**
 * The central directory, entry by entry; yauzl checks its structure. Names stay bytes, as Go takes them.
 *
 * An end that counts fewer entries than the directory has is an error: readers that go by the count see another archive
 * than those that go by the length.
 *
 * @throws ArtifactError `archive.corrupt`, `disk.*`
 */
export async function* zipDirectory(fd: number): AsyncGenerator<Entry, void, undefined> {
  const reader = new FileReader(fd);
  try {
    const settings = { lazyEntries: true, decodeStrings: false, autoClose: false };
    const zip = await yauzl.fromRandomAccessReaderPromise(reader, fstatSync(fd).size, settings);
    yield* zip.eachEntry();
    // It is a number; the types are mistaken.
    if (!END_SIGNATURES.has(reader.signatureAt(Number(zip.readEntryCursor))))
      throw new Error("the directory has more entries than its end says");
  } catch (error) {
    if (error instanceof ArtifactError) throw error;
    throw corruptArchive(`corrupt zip archive: ${(error as Error).message}`, error);
  }
}

/**
 * Reads ahead and without the thread pool: yauzl asks for a few dozen bytes twice for every entry, and each trip through
 * the pool costs more than the entry does.
 */
class FileReader extends yauzl.RandomAccessReader {
  readonly #fd: number;
  readonly #window = Buffer.allocUnsafe(256 * 1024);
  #start = 0;
  #filled = 0;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null, bytesRead?: number) => void,
  ): void {
    let bytesRead: number;
    try {
      bytesRead = this.#copy(buffer.subarray(offset, offset + length), position);
    } catch (error) {
      callback(diskError(error, "cannot read the directory of the zip") as Error);
      return;
    }
    callback(null, bytesRead);
  }

  /** 0 behind the end of the file, which is no signature. */
  signatureAt(position: number): number {
    const bytes = Buffer.alloc(4);
    this.#copy(bytes, position);
    return bytes.readUInt32LE(0);
  }

  #copy(into: Buffer, position: number): number {
    let copied = 0;
    while (copied < into.length) {
      const at = position + copied - this.#start;
      if (at >= 0 && at < this.#filled) {
        copied += this.#window.copy(into, copied, at, this.#filled);
        continue;
      }
      this.#start = position + copied;
      this.#filled = readSync(this.#fd, this.#window, 0, this.#window.length, this.#start);
      if (this.#filled === 0) break;
    }
    return copied;
  }
}
