import { crc32 } from "node:zlib";
import { ArtifactError } from "@skein/contract";
import { BusyStage } from "./busy-stage.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import {
  DEFLATE_BLOCK_BYTES,
  type DeflateOptions,
  Deflater,
  type DeflateTotals,
  deflateBlocks,
} from "./deflate-blocks.ts";
import { DeflatePool } from "./deflate-pool.ts";
import type { FileMoved } from "./extract-report.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { type PackOptions, readLink } from "./pack-tar.ts";
import { ChangedFiles, PackedFile } from "./packed-file.ts";
import { toText } from "./raw-name.ts";
import { unmetered } from "./stage-meter.ts";
import { type WalkedEntry, walkTree } from "./walk-tree.ts";
import {
  encodeCentralHeader,
  encodeDataDescriptor,
  encodeEnd,
  encodeLocalHeader,
  type ZipEntry,
} from "./zip-format.ts";

/** Deflate can make data longer by a little, so four-byte sizes are left before four gigabytes. */
const ZIP64_FROM_BYTES = 0xf000_0000;

const SLAB_BYTES = 4 * SMALL_FILE_BYTES;

/** `blocksInFlight` and `slots` as for gzip. */
export type PackZipOptions = PackOptions & Pick<DeflateOptions, "blocksInFlight" | "slots">;

/** A small entry whose data is known, or will be soon. */
interface Prepared {
  entry: ZipEntry;
  data: Promise<Buffer>;
  moved: FileMoved | undefined;
}

/**
 * Packs a file or a directory as a zip (contract §13.2), without seeking and without a temporary file.
 * A single file is named by its base name, so that it comes back as a file; upstream gives it its absolute
 * path, which comes back as a tree (§22.8). Modes, links and empty directories are kept, unlike upstream.
 *
 * Holds the central directory in memory: about 200 bytes per entry.
 *
 * @throws ArtifactError `file.not_found`, `archive.unsupported_entry` (a socket), `archive.source_changed`, `disk.*`
 */
export async function* packZip(
  path: string,
  options: PackZipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const zip = new ZipPacker(options);
  const queue: Prepared[] = [];
  try {
    for (const walked of walkTree(path)) {
      options.signal?.throwIfAborted();
      if (walked.stats.isFile() && walked.stats.size > SMALL_FILE_BYTES) {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield* zip.emit(next);
        yield* zip.emitBig(walked);
        continue;
      }
      queue.push(zip.prepare(walked));
      const oldest = queue.length > zip.maxInFlight ? queue.shift() : undefined;
      if (oldest !== undefined) yield* zip.emit(oldest);
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield* zip.emit(next);
    yield* zip.finish();
  } finally {
    await Promise.allSettled(queue.map(({ data }) => data)); // nothing of ours runs after we have thrown
    zip.close();
  }
  zip.changed.throwIfAny();
}

class ZipPacker {
  readonly changed = new ChangedFiles();
  readonly #options: PackOptions;
  readonly #deflater: Deflater;
  readonly #pool: DeflatePool;
  readonly #disk: BusyStage;
  readonly #chunks = new ChunkBuilder(DEFLATE_BLOCK_BYTES);
  readonly #directory: Buffer[] = [];
  #slab: Buffer = Buffer.alloc(0);
  #offset = 0;
  #movedBytes = 0;

  constructor(options: PackZipOptions) {
    const meter = options.meter ?? unmetered;
    this.#options = options;
    const { blocksInFlight, slots } = options;
    this.#deflater = new Deflater({ meter, blocksInFlight, slots });
    this.#pool = new DeflatePool(this.#deflater.maxInFlight, { meter, slots });
    this.#disk = new BusyStage(meter, "disk");
  }

  /** Small entries pass through the thread pool one by one, so more of them may be under way than blocks. */
  get maxInFlight(): number {
    return this.#deflater.maxInFlight * 4;
  }

  close(): void {
    this.#pool.close();
    this.#deflater.close();
  }

  /** Reads a small entry and starts to compress it. */
  prepare(walked: WalkedEntry): Prepared {
    const startedMs = performance.now();
    this.#disk.begin();
    let bytes: Buffer;
    try {
      bytes = this.#readSmall(walked);
    } finally {
      this.#disk.end();
    }
    const entry = newEntry(walked);
    entry.crc32 = crc32(bytes);
    entry.sizeBytes = bytes.length;
    const data = this.#compress(entry, bytes);
    data.catch(() => undefined); // it is awaited in its turn; until then nobody listens
    return { entry, data, moved: this.#moved(walked, startedMs) };
  }

  async *emit({ entry, data, moved }: Prepared): AsyncGenerator<Buffer, void, undefined> {
    const compressed = await data;
    entry.compressedBytes = compressed.length;
    this.#begin(entry);
    this.#append(compressed);
    this.#list(entry);
    if (moved !== undefined) this.#options.onFile?.(moved);
    yield* this.#full();
  }

  /** Streams a big file: its sizes stand behind its data. */
  async *emitBig(walked: WalkedEntry): AsyncGenerator<Buffer, void, undefined> {
    const startedMs = performance.now();
    const entry: ZipEntry = { ...newEntry(walked), method: 8, streamed: true };
    entry.zip64 = walked.stats.size >= ZIP64_FROM_BYTES;
    this.#begin(entry);
    const totals: DeflateTotals = { crc32: 0, sizeBytes: 0, deflatedBytes: 0 };
    for await (const chunk of deflateBlocks(this.#readBig(walked), this.#deflater, totals)) {
      this.#append(chunk);
      yield* this.#full();
    }
    entry.crc32 = totals.crc32;
    entry.sizeBytes = totals.sizeBytes;
    entry.compressedBytes = totals.deflatedBytes;
    this.#append(encodeDataDescriptor(entry));
    this.#list(entry);
    const moved = this.#moved(walked, startedMs);
    if (moved !== undefined) this.#options.onFile?.(moved);
  }

  *finish(): Generator<Buffer, void, undefined> {
    const directoryOffset = this.#offset;
    for (const header of this.#directory) {
      this.#append(header);
      yield* this.#full();
    }
    this.#append(encodeEnd(this.#directory.length, directoryOffset, this.#offset - directoryOffset));
    yield* this.#full();
    const rest = this.#chunks.takeRest();
    if (rest.length > 0) yield rest;
  }

  /** The data of anything but a big file: what a link says, and nothing for directories and special files. */
  #readSmall({ path, name, stats }: WalkedEntry): Buffer {
    if (stats.isSymbolicLink()) return Buffer.from(readLink(path), "latin1");
    if (stats.isSocket()) {
      throw new ArtifactError(`cannot pack ${toText(path)}: it is a socket`, {
        code: "archive.unsupported_entry",
      });
    }
    if (!stats.isFile()) return Buffer.alloc(0);
    const file = new PackedFile(path, stats.size);
    try {
      const bytes = this.#room(stats.size);
      let filled = 0;
      while (file.left > 0) {
        const bytesRead = file.readSmall(bytes.subarray(filled));
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      const found = file.changedSize();
      if (found !== undefined) this.changed.note(name, stats.size, found);
      return bytes.subarray(0, filled);
    } finally {
      file.close();
    }
  }

  /** One allocation for many files: the collector frees thousands of small buffers late, a few big ones in time. */
  #room(bytes: number): Buffer {
    if (this.#slab.length < bytes) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    const room = this.#slab.subarray(0, bytes);
    this.#slab = this.#slab.subarray(bytes);
    return room;
  }

  async *#readBig({ path, name, stats }: WalkedEntry): AsyncGenerator<Buffer, void, undefined> {
    const file = new PackedFile(path, stats.size);
    try {
      while (file.left > 0) {
        this.#options.signal?.throwIfAborted();
        const chunk = Buffer.allocUnsafeSlow(Math.min(DEFLATE_BLOCK_BYTES, file.left));
        this.#disk.begin();
        const bytesRead = await file.readBig(chunk).finally(() => this.#disk.end());
        if (bytesRead === 0) break;
        yield chunk.subarray(0, bytesRead);
      }
      const found = file.changedSize();
      if (found !== undefined) this.changed.note(name, stats.size, found);
    } finally {
      file.close();
    }
  }

  async #compress(entry: ZipEntry, bytes: Buffer): Promise<Buffer> {
    if (bytes.length === 0) return bytes;
    const deflated = await this.#pool.deflate(bytes);
    if (deflated.length >= bytes.length) return bytes;
    entry.method = 8;
    return deflated;
  }

  #moved({ name, stats }: WalkedEntry, startedMs: number): FileMoved | undefined {
    if (!stats.isFile()) return undefined;
    const offsetBytes = this.#movedBytes;
    this.#movedBytes += stats.size;
    return {
      file: toText(name),
      sizeBytes: stats.size,
      durationMs: performance.now() - startedMs,
      offsetBytes,
    };
  }

  #begin(entry: ZipEntry): void {
    entry.offset = this.#offset;
    this.#append(encodeLocalHeader(entry));
  }

  #list(entry: ZipEntry): void {
    this.#directory.push(encodeCentralHeader(entry));
  }

  #append(bytes: Buffer): void {
    this.#offset += bytes.length;
    this.#chunks.append(bytes);
  }

  *#full(): Generator<Buffer, void, undefined> {
    for (let chunk = this.#chunks.take(); chunk !== undefined; chunk = this.#chunks.take()) yield chunk;
  }
}

function newEntry({ name, stats }: WalkedEntry): ZipEntry {
  return {
    name: stats.isDirectory() ? `${name}/` : name,
    mode: stats.mode,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000),
    method: 0,
    crc32: 0,
    compressedBytes: 0,
    sizeBytes: 0,
    streamed: false,
    zip64: false,
    offset: 0,
  };
}
