import { crc32 } from "node:zlib";
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
import type { PackOptions } from "./pack-tar.ts";
import { ChangedFiles } from "./packed-file.ts";
import { toText } from "./raw-name.ts";
import { type OpenedEntry, type SourceEntry, SourceTree } from "./source-tree.ts";
import { unmetered } from "./stage-meter.ts";
import {
  encodeCentralHeader,
  encodeDataDescriptor,
  encodeEnd,
  encodeLocalHeader,
  type ZipEntry,
} from "./zip-format.ts";
import { ZipSource } from "./zip-source.ts";

/** Deflate can make data longer by a little, so four-byte sizes are left before four gigabytes. */
const ZIP64_FROM_BYTES = 0xf000_0000;

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
  const tree = new SourceTree(path);
  const zip = new ZipPacker(tree, options);
  const queue: Prepared[] = [];
  try {
    for (const walked of tree.openedEntries()) {
      options.signal?.throwIfAborted();
      const prepared = zip.prepare(walked);
      if (prepared === undefined) {
        for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield* zip.emit(next);
        yield* zip.emitBig(walked);
        continue;
      }
      queue.push(prepared);
      const oldest = queue.length > zip.maxInFlight ? queue.shift() : undefined;
      if (oldest !== undefined) yield* zip.emit(oldest);
    }
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) yield* zip.emit(next);
    yield* zip.finish();
  } finally {
    await Promise.allSettled(queue.map(({ data }) => data)); // nothing of ours runs after we have thrown
    zip.close();
    tree.close();
  }
  zip.changed.throwIfAny();
}

class ZipPacker {
  readonly changed = new ChangedFiles();
  readonly #options: PackOptions;
  readonly #deflater: Deflater;
  readonly #pool: DeflatePool;
  readonly #source: ZipSource;
  readonly #chunks = new ChunkBuilder(DEFLATE_BLOCK_BYTES);
  readonly #directory: Buffer[] = [];
  #offset = 0;
  #movedBytes = 0;

  constructor(tree: SourceTree, options: PackZipOptions) {
    const meter = options.meter ?? unmetered;
    this.#options = options;
    const { blocksInFlight, slots } = options;
    this.#deflater = new Deflater({ meter, blocksInFlight, slots });
    this.#pool = new DeflatePool(this.#deflater.maxInFlight, { meter, slots });
    this.#source = new ZipSource(tree, new BusyStage(meter, "disk"), this.changed);
  }

  /** Small entries pass through the thread pool one by one, so more of them may be under way than blocks. */
  get maxInFlight(): number {
    return this.#deflater.maxInFlight * 4;
  }

  close(): void {
    this.#pool.close();
    this.#deflater.close();
  }

  /** Reads a small entry and starts to compress it. Undefined when it is a big one. */
  prepare(walked: OpenedEntry): Prepared | undefined {
    const startedMs = performance.now();
    const bytes = this.#source.small(walked);
    if (bytes === undefined) return undefined;
    const entry = newEntry(walked);
    entry.crc32 = crc32(bytes);
    entry.sizeBytes = bytes.length;
    const data = this.#compress(entry, bytes);
    data.catch(() => undefined); // it is awaited in its turn; until then nobody listens
    const sizeBytes = walked.stats.size === 0 ? bytes.length : walked.stats.size;
    return { entry, data, moved: this.#moved(walked, sizeBytes, startedMs) };
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
  async *emitBig(walked: OpenedEntry): AsyncGenerator<Buffer, void, undefined> {
    const startedMs = performance.now();
    const entry: ZipEntry = { ...newEntry(walked), method: 8, streamed: true };
    const { size } = walked.stats;
    entry.zip64 = size >= ZIP64_FROM_BYTES || size === 0; // one that does not say how large it is may be of any size
    this.#begin(entry);
    const source = this.#source.big(walked, this.#options.signal);
    const totals: DeflateTotals = { crc32: 0, sizeBytes: 0, deflatedBytes: 0 };
    for await (const chunk of deflateBlocks(source, this.#deflater, totals)) {
      this.#append(chunk);
      yield* this.#full();
    }
    entry.crc32 = totals.crc32;
    entry.sizeBytes = totals.sizeBytes;
    entry.compressedBytes = totals.deflatedBytes;
    this.#append(encodeDataDescriptor(entry));
    this.#list(entry);
    const moved = this.#moved(walked, size === 0 ? totals.sizeBytes : size, startedMs);
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

  async #compress(entry: ZipEntry, bytes: Buffer): Promise<Buffer> {
    if (bytes.length === 0) return bytes;
    const deflated = await this.#pool.deflate(bytes);
    if (deflated.length >= bytes.length) return bytes;
    entry.method = 8;
    return deflated;
  }

  #moved({ name, stats }: SourceEntry, sizeBytes: number, startedMs: number): FileMoved | undefined {
    if (!stats.isFile()) return undefined;
    const offsetBytes = this.#movedBytes;
    this.#movedBytes += sizeBytes;
    return {
      file: toText(name),
      sizeBytes,
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

function newEntry({ name, stats }: SourceEntry): ZipEntry {
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
