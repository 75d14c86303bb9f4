import { constants, crc32 } from "node:zlib";
import { allowedCores } from "./allowed-cores.ts";
import { blocksOf } from "./blocks-of.ts";
import { BusyStage } from "./busy-stage.ts";
import { Compressor, type CompressorOptions, MAX_BYTES } from "./compressor.ts";
import { releaseMemory, releaseRead } from "./release-memory.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";

/** Smaller blocks cost thread-pool round trips, bigger ones memory; measured in the README. */
export const DEFLATE_BLOCK_BYTES = MAX_BYTES;

/** What libuv has unless UV_THREADPOOL_SIZE says otherwise: https://docs.libuv.org/en/v1.x/threadpool.html */
const DEFAULT_POOL_SIZE = 4;

/** Beyond this one reader and one writer of the archive are what everybody waits for. */
const MAX_COMPRESS_THREADS = 8;

/** An empty block with the mark of the last one. */
const LAST_BLOCK = Buffer.from([0x03, 0x00]);

export interface DeflateOptions {
  /** −2 (Huffman coding only), −1 (default, which is 6), 0 (stored) to 9. */
  level?: number | undefined;
  /** Blocks compressed at the same time. Default: {@link blocksInFlight}. */
  blocksInFlight?: number | undefined;
  /** Shared by all that compress at the same time: a block holds one of them while it is compressed. Default: none needed. */
  slots?: CompressSlots | undefined;
  /** Told when blocks are being compressed. Default: nobody. */
  meter?: StageMeter | undefined;
  /**
   * Whether what the source brings is nobody else's, and whether what comes out is copied before the next chunk is asked for: then
   * the memory of both is given back as soon as they have been used. Default false: they stay as long as anybody holds them.
   */
  releases?: boolean | undefined;
}

/** A limit that several packers have in common. */
export interface CompressSlots {
  use<T>(work: () => Promise<T>): Promise<T>;
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
  readonly releases: boolean;
  readonly #options: CompressorOptions;
  readonly #compressors: Compressor[] = [];
  readonly #slots: CompressSlots | undefined;
  readonly #meter: StageMeter;
  readonly #busy: BusyStage;
  #turn = 0;
  #running = 0;

  constructor(options: DeflateOptions) {
    const { level = -1 } = options;
    const how = level === -2 ? { level: 1, strategy: constants.Z_HUFFMAN_ONLY } : { level };
    this.#options = { ...how, ends: "sync", chunkBytes: DEFLATE_BLOCK_BYTES };
    this.#slots = options.slots;
    this.#meter = options.meter ?? unmetered;
    this.#busy = new BusyStage(this.#meter, "compress");
    this.releases = options.releases ?? false;
    this.maxInFlight = options.blocksInFlight ?? blocksInFlight();
  }

  /** A part of a deflate stream, ending at a byte boundary. It comes in one piece or two. */
  async block(bytes: Buffer): Promise<Buffer[]> {
    const turn = this.#turn++ % this.maxInFlight;
    this.#compressors[turn] ??= new Compressor(this.#options);
    const compressor = this.#compressors[turn];
    this.#changed(1);
    try {
      const deflate = (): Promise<Buffer[]> => compressor.deflate(bytes);
      return await (this.#slots ? this.#slots.use(deflate) : deflate());
    } finally {
      this.#changed(-1);
      if (this.releases) releaseMemory(bytes);
    }
  }

  close(): void {
    for (const compressor of this.#compressors) compressor.close();
  }

  /** One block less than may be in flight keeps every thread busy: see {@link blocksInFlight}. */
  #changed(by: 1 | -1): void {
    const enough = Math.max(1, this.maxInFlight - 1);
    const wasFull = this.#running >= enough;
    this.#running += by;
    if (by > 0) this.#busy.begin();
    else this.#busy.end();
    const isFull = this.#running >= enough;
    if (isFull && !wasFull) this.#meter.enter("compress_full");
    if (wasFull && !isFull) this.#meter.leave("compress_full");
  }
}

/** What a container writes behind the data. */
export interface DeflateTotals {
  crc32: number;
  sizeBytes: number;
  deflatedBytes: number;
}

/**
 * Compresses to one raw deflate stream on several cores: blocks are deflated independently and joined at byte boundaries (the
 * way of pigz). The same input gives the same bytes, however it was cut into chunks and on whatever machine.
 *
 * A block does not know the one before it: that costs 0.2 to 0.9 % in size (README), and saves making a compressor for each.
 *
 * @param totals is kept up to date
 */
export async function* deflateBlocks(
  source: AsyncIterable<Uint8Array>,
  deflater: Deflater,
  totals: DeflateTotals,
): AsyncGenerator<Buffer, void, undefined> {
  const inFlight: Promise<Buffer[]>[] = [];
  try {
    for await (const block of blocksOf(source, DEFLATE_BLOCK_BYTES)) {
      totals.crc32 = crc32(block, totals.crc32);
      totals.sizeBytes += block.length;
      const started = deflater.block(block);
      started.catch(() => undefined); // it is awaited in its turn; until then nobody listens
      inFlight.push(started);
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
  inFlight: Promise<Buffer[]>[],
  totals: DeflateTotals,
  { releases }: Deflater,
): AsyncGenerator<Buffer, void, undefined> {
  for (const piece of (await inFlight.shift()) ?? []) {
    totals.deflatedBytes += piece.length;
    yield piece;
    if (releases) releaseRead(piece);
  }
}
