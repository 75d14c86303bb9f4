import { promisify } from "node:util";
import { constants, crc32, deflateRaw, type ZlibOptions } from "node:zlib";
import { allowedCores } from "./allowed-cores.ts";
import { blocksOf } from "./blocks-of.ts";
import { BusyStage } from "./busy-stage.ts";
import { releaseMemory } from "./release-memory.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";

/** Smaller blocks cost thread-pool round trips, bigger ones memory; measured in the README. */
export const DEFLATE_BLOCK_BYTES = 512 * 1024;

/** How far back deflate may point, so what a block must know of the one before it. */
const WINDOW_BYTES = 32 * 1024;

/** What libuv has unless UV_THREADPOOL_SIZE says otherwise: https://docs.libuv.org/en/v1.x/threadpool.html */
const DEFAULT_POOL_SIZE = 4;

/** Beyond this one reader and one writer of the archive are what everybody waits for. */
const MAX_COMPRESS_THREADS = 8;

/** zlib's own bound for what a block grows by is less than a thousandth (deflateBound in zlib.h), and it is never below 64 bytes. */
const GROWTH_BYTES = 1024;

/** An empty block with the mark of the last one. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

const deflateRawAsync = promisify<Buffer, ZlibOptions, Buffer>(deflateRaw);

export interface DeflateOptions {
  /** −2 (Huffman coding only), −1 (default, which is 6), 0 (stored) to 9. */
  level?: number | undefined;
  /** Blocks compressed at the same time. Default: {@link blocksInFlight}. */
  blocksInFlight?: number | undefined;
  /** Told when blocks are being compressed. Default: nobody. */
  meter?: StageMeter | undefined;
  /**
   * Whether what the source brings is nobody else's, and whether what comes out is copied before the next chunk is asked for: then
   * the memory of both is given back as soon as they have been used. Default false: they stay as long as anybody holds them.
   */
  releases?: boolean | undefined;
}

/**
 * Blocks that are worth compressing at the same time: one more than there are threads to compress, so that none of them
 * waits for the next block, and no more than the thread pool has.
 *
 * @param threads default: the cores this container may use, at most {@link MAX_COMPRESS_THREADS}
 */
export function blocksInFlight(threads?: number, poolSize = DEFAULT_POOL_SIZE): number {
  return Math.min((threads ?? Math.min(allowedCores(), MAX_COMPRESS_THREADS)) + 1, poolSize);
}

/** Runs deflate on the thread pool, and is busy while a block is compressed, not while finished ones wait for a slow reader. */
export class Deflater {
  readonly maxInFlight: number;
  readonly #settings: ZlibOptions;
  readonly releases: boolean;
  readonly #busy: BusyStage;

  constructor(options: DeflateOptions) {
    const { level = -1 } = options;
    this.#settings =
      level === -2
        ? { level: 1, strategy: constants.Z_HUFFMAN_ONLY }
        : { level, chunkSize: DEFLATE_BLOCK_BYTES };
    this.#busy = new BusyStage(options.meter ?? unmetered, "compress");
    this.releases = options.releases ?? false;
    this.maxInFlight = options.blocksInFlight ?? blocksInFlight();
  }

  /** A part of a deflate stream, ending at a byte boundary; `before` is as much as deflate may see of what came before. */
  async block(bytes: Buffer, before: Buffer | undefined): Promise<Buffer> {
    const dictionary = before === undefined ? {} : { dictionary: before };
    // Room for the whole result in one go, and no more: the room is allocated for each call. What cannot be compressed grows.
    const chunkSize = bytes.length + GROWTH_BYTES;
    this.#busy.begin();
    try {
      const finishFlush = constants.Z_SYNC_FLUSH;
      return await deflateRawAsync(bytes, { ...this.#settings, ...dictionary, chunkSize, finishFlush });
    } finally {
      this.#busy.end();
      if (this.releases) releaseMemory(bytes);
    }
  }
}

/** What a container writes behind the data. */
export interface DeflateTotals {
  crc32: number;
  sizeBytes: number;
  deflatedBytes: number;
}

/**
 * Compresses to one raw deflate stream on several cores: blocks are deflated independently, each with the
 * last 32 KiB before it as its dictionary, and joined at byte boundaries (the way of pigz). The same
 * input gives the same bytes, however it was cut into chunks and on whatever machine.
 *
 * @param totals is kept up to date
 */
export async function* deflateBlocks(
  source: AsyncIterable<Uint8Array>,
  deflater: Deflater,
  totals: DeflateTotals,
): AsyncGenerator<Buffer, void, undefined> {
  const inFlight: Promise<Buffer>[] = [];
  let before: Buffer | undefined;
  try {
    for await (const block of blocksOf(source, DEFLATE_BLOCK_BYTES)) {
      totals.crc32 = crc32(block, totals.crc32);
      totals.sizeBytes += block.length;
      const window = Buffer.from(block.subarray(-WINDOW_BYTES)); // the block itself may be gone when the next one comes
      const started = deflater.block(block, before);
      started.catch(() => undefined); // it is awaited in its turn; until then nobody listens
      inFlight.push(started);
      before = window;
      if (inFlight.length >= deflater.maxInFlight) yield* oldest(inFlight, totals, deflater);
    }
    while (inFlight.length > 0) yield* oldest(inFlight, totals, deflater);
    totals.deflatedBytes += LAST_BLOCK.length;
    yield LAST_BLOCK;
  } finally {
    await Promise.allSettled(inFlight); // nothing of ours runs after we have thrown
  }
}

async function* oldest(
  inFlight: Promise<Buffer>[],
  totals: DeflateTotals,
  { releases }: Deflater,
): AsyncGenerator<Buffer, void, undefined> {
  const first = await inFlight.shift();
  if (first === undefined) return;
  totals.deflatedBytes += first.length;
  yield first;
  if (releases) releaseMemory(first);
}
