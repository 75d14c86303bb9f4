import { closeSync, fstatSync, openSync } from "node:fs";
import { crc32 } from "node:zlib";
import { ArtifactError } from "@skein/contract";
import type { Entry } from "yauzl";
import { type CleanName, ROOT } from "./clean-entry-name.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { explainingDisk } from "./disk-error.ts";
import type { ExtractReport } from "./extract-report.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { type RawName, toText } from "./raw-name.ts";
import { checkRatio } from "./unpack-limits.ts";
import { type ExtractOptions, Unpacker } from "./unpacker.ts";
import { inflateBig, inflateSmall, locateData } from "./zip-data.ts";
import { zipDirectory } from "./zip-directory.ts";

/**
 * Unpacks a zip into a directory of its own, as safely as `extractTar` does.
 *
 * Takes a file, not a stream, because it needs to seek: what an entry is called, how long it is and whether
 * it is a link stands in the central directory at the end; the headers before the data may leave all of
 * that open, and where the two differ every reader believes the directory.
 *
 * Modification times are restored where they stand in UTC, as Info-ZIP and we write them (upstream restores none). DOS time
 * does not know its zone.
 *
 * @throws ArtifactError `archive.corrupt`, `archive.path_escape`, `archive.unsupported_entry`,
 *   `archive.limit_exceeded`, `disk.*`
 */
export async function extractZip(path: string, options: ExtractOptions): Promise<ExtractReport> {
  const fd = explainingDisk(
    () => `cannot open ${path}`,
    () => openSync(path, "r"),
  );
  const extraction = new ZipExtraction(fd, options);
  try {
    for await (const entry of zipDirectory(fd)) {
      options.signal?.throwIfAborted();
      await extraction.accept(entry);
    }
    return extraction.finish();
  } finally {
    extraction.close();
    closeSync(fd);
  }
}

const FORMAT_TYPE = 0o170000;
const TYPE_DIRECTORY = 0o040000;
const TYPE_LINK = 0o120000;
const TYPE_FILE = 0o100000;
/** Systems whose entries carry stat(2) modes: Unix and Darwin. */
const WITH_MODES = new Set([3, 19]);
const DOS_READ_ONLY = 0x01;
const DOS_DIRECTORY = 0x10;
const MAX_LINK_BYTES = 4096;

class ZipExtraction {
  readonly #fd: number;
  readonly #into: string;
  readonly #unpacker: Unpacker;
  readonly #packedBytes: number;

  constructor(fd: number, options: ExtractOptions) {
    this.#fd = fd;
    this.#into = options.into;
    this.#packedBytes = fstatSync(fd).size;
    this.#unpacker = new Unpacker(options);
  }

  async accept(entry: Entry): Promise<void> {
    const raw = nameOf(entry);
    const mode = modeOf(entry, raw);
    const name = this.#unpacker.admit(raw);
    const type = mode & FORMAT_TYPE;
    if (name === undefined || (name === ROOT && type !== TYPE_DIRECTORY)) throw illegalPath(this.#into, raw);
    if (type === TYPE_DIRECTORY) {
      requireNoData(entry, name);
      return this.#onDisk(() => this.#unpacker.directory(name, mode));
    }
    if (type !== TYPE_FILE && type !== TYPE_LINK)
      return this.#unpacker.skip(raw, "a special file is not made");
    requireReadable(entry, raw);
    const { limits, report } = this.#unpacker;
    // Entries may share their data (a bomb of a few kilobytes does), so the archive is judged as a whole.
    checkRatio(limits, this.#packedBytes, report.unpackedBytes + entry.uncompressedSize);
    if (type === TYPE_LINK) return this.#link(entry, name);
    if (entry.uncompressedSize <= SMALL_FILE_BYTES && entry.compressedSize <= 2 * SMALL_FILE_BYTES) {
      return this.#smallFile(entry, name, mode);
    }
    return this.#bigFile(entry, name, mode);
  }

  finish(): ExtractReport {
    return this.#onDisk(() => this.#unpacker.finish());
  }

  close(): void {
    this.#unpacker.close();
  }

  #link(entry: Entry, name: CleanName): void {
    // Both are read into memory, and either may be a lie.
    const targetBytes = Math.max(entry.uncompressedSize, entry.compressedSize / 2);
    if (targetBytes > MAX_LINK_BYTES) {
      throw corruptArchive(
        `corrupt zip archive: the link ${toText(name)} has a target of ${targetBytes} bytes`,
      );
    }
    const target = this.#inflated(entry, name).toString("latin1");
    this.#onDisk(() => this.#unpacker.link(name, target));
  }

  #smallFile(entry: Entry, name: CleanName, mode: number): void {
    const bytes = this.#inflated(entry, name);
    this.#onDisk(() => {
      this.#unpacker.openFile(name, bytes.length, mode);
      void this.#unpacker.write(bytes); // small files are written at once
      this.#unpacker.closeFile(mtimeOf(entry));
    });
  }

  async #bigFile(entry: Entry, name: CleanName, mode: number): Promise<void> {
    const { meter } = this.#unpacker;
    let checksum = 0;
    let sizeBytes = 0;
    this.#onDisk(() => this.#unpacker.openFile(name, entry.uncompressedSize, mode));
    for await (const chunk of inflateBig(this.#fd, entry, toText(name), meter)) {
      checksum = crc32(chunk, checksum);
      sizeBytes += chunk.length;
      if (sizeBytes > entry.uncompressedSize) break;
      meter.enter("disk");
      try {
        await this.#unpacker.write(chunk);
      } finally {
        meter.leave("disk");
      }
    }
    requireAsListed(entry, name, sizeBytes, checksum);
    this.#onDisk(() => this.#unpacker.closeFile(mtimeOf(entry)));
  }

  /** The whole of a small entry. */
  #inflated(entry: Entry, name: CleanName): Buffer {
    const { meter } = this.#unpacker;
    meter.enter("decompress");
    try {
      const bytes = inflateSmall(this.#fd, entry, locateData(this.#fd, entry, toText(name)), toText(name));
      requireAsListed(entry, name, bytes.length, crc32(bytes));
      return bytes;
    } finally {
      meter.leave("decompress");
    }
  }

  #onDisk<T>(work: () => T): T {
    const { meter } = this.#unpacker;
    meter.enter("disk");
    try {
      return work();
    } finally {
      meter.leave("disk");
    }
  }
}

/** Info-ZIP's extended timestamp: a byte that says which times follow, then seconds since the epoch, modification first. */
const EXTRA_TIMESTAMP = 0x5455;

function mtimeOf({ extraFields }: Entry): number | undefined {
  const field = extraFields.find(({ id, data }) => id === EXTRA_TIMESTAMP && data.length >= 5)?.data;
  return field !== undefined && (field.readUInt8(0) & 1) !== 0 ? field.readInt32LE(1) : undefined;
}

function nameOf(entry: Entry): RawName {
  return entry.fileNameRaw.toString("latin1");
}

/** Type and permissions; for archives from systems without modes, what Go makes of DOS attributes. */
function modeOf(entry: Entry, name: RawName): number {
  const attributes = entry.externalFileAttributes;
  const unixMode = WITH_MODES.has(entry.versionMadeBy >> 8) ? attributes >>> 16 : 0;
  const isDirectory =
    name.endsWith("/") ||
    (unixMode & FORMAT_TYPE) === TYPE_DIRECTORY ||
    (unixMode === 0 && (attributes & DOS_DIRECTORY) !== 0);
  if (unixMode === 0) {
    if (isDirectory) return TYPE_DIRECTORY | 0o777;
    return TYPE_FILE | ((attributes & DOS_READ_ONLY) !== 0 ? 0o444 : 0o666);
  }
  const type = isDirectory ? TYPE_DIRECTORY : unixMode & FORMAT_TYPE || TYPE_FILE;
  return type | (unixMode & 0o777);
}

function requireReadable(entry: Entry, name: RawName): void {
  if (!entry.isEncrypted() && (entry.compressionMethod === 0 || entry.compressionMethod === 8)) return;
  const why = entry.isEncrypted() ? "is encrypted" : `is compressed with method ${entry.compressionMethod}`;
  throw new ArtifactError(`${toText(name)} in the zip ${why}, which is not supported`, {
    code: "archive.unsupported_entry",
    remedy: "Pack with deflate and without a password.",
  });
}

/** As in a tar: readers disagree on whether it is a file or a directory, and its data would be lost without a word. */
function requireNoData({ uncompressedSize }: Entry, name: CleanName): void {
  if (uncompressedSize === 0) return;
  throw corruptArchive(
    `corrupt zip archive: ${toText(name)} is a directory with ${uncompressedSize} bytes of data`,
  );
}

function requireAsListed(entry: Entry, name: CleanName, sizeBytes: number, checksum: number): void {
  if (sizeBytes !== entry.uncompressedSize) {
    throw corruptArchive(
      `corrupt zip archive: ${toText(name)} does not have the ${entry.uncompressedSize} bytes it is listed with`,
    );
  }
  if (checksum !== entry.crc32)
    throw corruptArchive(`corrupt zip archive: the checksum of ${toText(name)} is wrong`);
}

/** The contract's text (§13.1). */
function illegalPath(into: string, name: RawName): ArtifactError {
  return new ArtifactError(`${into}/${toText(name)}: Illegal file path`, {
    code: "archive.path_escape",
    remedy: "The archive was not made by a packer; find out who stored it.",
  });
}
