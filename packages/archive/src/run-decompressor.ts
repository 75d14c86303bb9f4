import type { DuplexOptions } from "node:stream";
import type { Gunzip, ZlibOptions, ZstdDecompress } from "node:zlib";
import { BusyStage } from "./busy-stage.ts";
import { releaseRead } from "./release-memory.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";
import { checkRatio, DEFAULT_UNPACK_LIMITS, type UnpackLimits } from "./unpack-limits.ts";

/**
 * Each of them is a way to the thread pool and back, and zlib rests until the event loop comes by. Measured on 400 MB of gzip that
 * come by network: a quarter of it costs a tenth more time, and zlib's default of 16 KiB half of the speed.
 */
const CHUNK_BYTES = 1024 * 1024;

/** Measured: half of it costs 400 MB of gzip a tenth more time. Twice as much saves a few percent, and takes as much memory more. */
const GATHERED_BYTES = 512 * 1024;

/** So that zlib has the next chunk under way while the disk takes this one. */
const READ_AHEAD_CHUNKS = 1;

/**
 * Of every decompressor. zlib passes stream options on to its Transform; the types do not know. As objects, because of bytes that
 * wait a stream makes one piece, by copying them.
 */
export const STREAM_SETTINGS: Pick<ZlibOptions, "chunkSize"> &
  Pick<DuplexOptions, "writableHighWaterMark" | "readableObjectMode" | "readableHighWaterMark"> = {
  chunkSize: CHUNK_BYTES,
  writableHighWaterMark: READ_AHEAD_CHUNKS * CHUNK_BYTES,
  readableObjectMode: true,
  readableHighWaterMark: READ_AHEAD_CHUNKS,
};

export interface DecompressOptions {
  /** Told when zlib has input it has not consumed. Default: nobody. */
  meter?: StageMeter;
  /** Only `maxRatio` matters here. */
  limits?: Partial<UnpackLimits>;
  /** Whether what the source brings is nobody else's, and its memory may be given back once it is decompressed. Default false. */
  ownsSource?: boolean;
}

/** What differs between formats. */
export interface Format {
  /** Made with {@link STREAM_SETTINGS}. */
  decompressor: Gunzip | ZstdDecompress;
  /** The error for what zlib reports; anything it does not know, as it is. */
  explain: (error: unknown) => unknown;
  /** Gets what stands behind the end. */
  checkRest: (bytes: Uint8Array) => void;
  /** Whether it matters where chunks end, so that they must not be joined. Default false. */
  keepsChunks?: boolean;
}

/** Brings a source through a decompressor to the end of both. */
export async function* runDecompressor(
  source: AsyncIterable<Uint8Array>,
  { decompressor, explain, checkRest, keepsChunks = false }: Format,
  options: DecompressOptions,
): AsyncGenerator<Buffer, void, undefined> {
  const limits = { ...DEFAULT_UNPACK_LIMITS, ...options.limits };
  const feed = new Feed(source, decompressor, { ...options, keepsChunks });
  try {
    let unpackedBytes = 0;
    for await (const chunk of decompressor as AsyncIterable<Buffer>) {
      unpackedBytes += chunk.length;
      checkRatio(limits, decompressor.bytesWritten, unpackedBytes);
      yield chunk;
    }
    for await (const bytes of feed.rest()) checkRest(bytes);
  } catch (error) {
    throw feed.sourceError ?? explain(error);
  } finally {
    feed.stop();
  }
}

/**
 * Brings the source into zlib. `pipe` would do, but it tells neither when zlib is busy nor what it left unread.
 *
 * zlib gets at once what comes while it has nothing to do. What comes while it is busy is gathered: each piece is a way to
 * the thread pool and back, on which zlib waits for whatever the event loop is doing.
 */
class Feed {
  readonly #input: AsyncIterator<Uint8Array>;
  readonly #inflate: Gunzip | ZstdDecompress;
  readonly #busy: BusyStage;
  readonly #ownsSource: boolean;
  readonly #keepsChunks: boolean;
  readonly #done: Promise<void>;
  readonly #gathered = new GatheredBytes(GATHERED_BYTES);
  /** What has been written and may not have been consumed, with the position it begins at. */
  readonly #unread: Unread[] = [];
  #position = 0;
  #writing = 0;
  #ended = false;
  /** Where zlib began to leave something unread. What has been written by then goes to it all the same, and may begin a member. */
  #endPosition: number | undefined;
  /** What the source threw, as it threw it. */
  sourceError: unknown;

  constructor(
    source: AsyncIterable<Uint8Array>,
    inflate: Gunzip | ZstdDecompress,
    { meter = unmetered, ownsSource = false, keepsChunks }: DecompressOptions & { keepsChunks: boolean },
  ) {
    this.#input = source[Symbol.asyncIterator]();
    this.#inflate = inflate;
    this.#busy = new BusyStage(meter, "decompress");
    this.#ownsSource = ownsSource;
    this.#keepsChunks = keepsChunks;
    inflate.once("end", () => {
      this.#ended = true;
    });
    // Behind the end zlib may still fail at what it is given, when the consumer listens no more; rest() judges that.
    inflate.on("error", () => undefined);
    this.#done = this.#run();
  }

  /** Waits for the end of the source and hands out what zlib did not want of it. */
  async *rest(): AsyncGenerator<Uint8Array, void, undefined> {
    await this.#done;
    const consumed = this.#endPosition ?? this.#inflate.bytesWritten;
    for (const { start, bytes } of this.#unread) yield bytes.subarray(Math.max(consumed - start, 0));
    for (let next = await this.#input.next(); !next.done; next = await this.#input.next()) yield next.value;
  }

  /** Lets go of both sides. Not awaited: a source that waits for the network answers in its own time. */
  stop(): void {
    this.#busy.endAll();
    this.#inflate.destroy();
    this.#input.return?.()?.catch(() => undefined); // the reason for stopping is already on its way up
  }

  async #run(): Promise<void> {
    try {
      for (let next = await this.#input.next(); !next.done; next = await this.#input.next()) {
        if (this.#inflate.destroyed && !this.#ended) return;
        await this.#take(next.value);
        if (this.#ended) return this.#keepGathered();
      }
      if (this.#ended) return this.#keepGathered();
      this.#writeGathered();
      this.#inflate.end();
    } catch (error) {
      this.sourceError = error;
      this.#inflate.destroy(error as Error);
    }
  }

  async #take(chunk: Uint8Array): Promise<void> {
    const isIdle = this.#writing === 0 && this.#gathered.bytes === 0;
    if (!this.#ended && (isIdle || this.#keepsChunks)) {
      if (!this.#write({ bytes: chunk, isOurs: this.#ownsSource })) await this.#drained();
      return;
    }
    for (let rest = chunk; rest.length > 0; ) {
      rest = this.#gathered.add(rest);
      if (this.#ended) this.#keepGathered();
      else if (this.#gathered.isFull && !this.#writeGathered()) await this.#drained();
    }
    if (this.#writing === 0 && !this.#ended) this.#writeGathered(); // zlib has caught up while we waited for it to drain
    if (this.#ownsSource) this.#releaseCopied(chunk);
  }

  /** zlib may still be at work on what came in the same buffer before, as one that a connection fills for many chunks. */
  #releaseCopied(chunk: Uint8Array): void {
    const user = this.#unread.findLast(({ bytes }) => bytes.buffer === chunk.buffer);
    if (user === undefined) releaseRead(chunk);
    else user.thenRelease = chunk;
  }

  #writeGathered(): boolean {
    const bytes = this.#gathered.take();
    return bytes === undefined || this.#write({ bytes, isOurs: true });
  }

  #keepGathered(): void {
    const bytes = this.#gathered.take();
    if (bytes !== undefined) this.#keep({ bytes, isOurs: true });
  }

  #write(what: Omit<Unread, "start">): boolean {
    this.#keep(what);
    const end = this.#position;
    this.#busy.begin();
    this.#writing++;
    return this.#inflate.write(what.bytes, () => {
      this.#writing--;
      if (this.#inflate.bytesWritten < end) this.#endPosition ??= this.#inflate.bytesWritten;
      this.#dropConsumed();
      if (this.#writing === 0 && !this.#ended && !this.#inflate.destroyed) this.#writeGathered();
      this.#busy.end();
    });
  }

  #keep(what: Omit<Unread, "start">): void {
    this.#unread.push({ ...what, start: this.#position });
    this.#position += what.bytes.length;
  }

  #dropConsumed(): void {
    const consumed = this.#endPosition ?? this.#inflate.bytesWritten;
    for (;;) {
      const first = this.#unread[0];
      if (first === undefined || first.start + first.bytes.length > consumed) return;
      this.#unread.shift();
      if (first.isOurs) releaseRead(first.thenRelease ?? first.bytes);
    }
  }

  /** zlib never drains once it has seen the end, nor after an error; both reach the consumer by themselves. */
  #drained(): Promise<void> {
    const inflate = this.#inflate;
    if (inflate.destroyed) return Promise.resolve(); // and closed, perhaps, before we could listen
    return new Promise((resolve) => {
      const events = ["drain", "end", "close"];
      const settle = (): void => {
        for (const event of events) inflate.off(event, settle);
        resolve();
      };
      for (const event of events) inflate.on(event, settle);
    });
  }
}

interface Unread {
  start: number;
  bytes: Uint8Array;
  /** Whether its memory may be given back. */
  isOurs: boolean;
  /** Came after it in the same buffer, and has been copied. */
  thenRelease?: Uint8Array;
}

/** Bytes in one piece, copied there as they come. Pieces of one room follow each other to its end. */
class GatheredBytes {
  readonly #roomBytes: number;
  #room: Buffer = Buffer.alloc(0);
  #filled = 0;

  constructor(roomBytes: number) {
    this.#roomBytes = roomBytes;
  }

  get bytes(): number {
    return this.#filled;
  }

  get isFull(): boolean {
    return this.#filled > 0 && this.#filled === this.#room.length;
  }

  /** @returns what has found no room */
  add(chunk: Uint8Array): Uint8Array {
    if (this.#room.length === 0) this.#room = Buffer.allocUnsafeSlow(this.#roomBytes);
    const taken = chunk.subarray(0, this.#room.length - this.#filled);
    this.#room.set(taken, this.#filled);
    this.#filled += taken.length;
    return chunk.subarray(taken.length);
  }

  take(): Buffer | undefined {
    if (this.#filled === 0) return undefined;
    const bytes = this.#room.subarray(0, this.#filled);
    this.#room = this.#room.subarray(this.#filled);
    this.#filled = 0;
    return bytes;
  }
}
