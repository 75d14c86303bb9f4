import { once } from "node:events";
import { createGunzip, type Gunzip, type ZlibOptions } from "node:zlib";
import { BusyStage } from "./busy-stage.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";
import { checkRatio, DEFAULT_UNPACK_LIMITS, type UnpackLimits } from "./unpack-limits.ts";

/** zlib's default of 16 KiB makes a thread-pool round trip per 16 KiB and costs half of the speed (README). */
const CHUNK_BYTES = 256 * 1024;

/** So that zlib has the next chunk under way while the disk takes this one. */
const READ_AHEAD_BYTES = 1024 * 1024;

export interface GunzipOptions {
  /** Told when zlib has input it has not consumed. Default: nobody. */
  meter?: StageMeter;
  /** Only `maxRatio` matters here. */
  limits?: Partial<UnpackLimits>;
}

/**
 * Decompresses gzip, of one member or several. The whole source is read: checksum, length and truncation
 * are checked, zeros behind the last member are padding, and anything else there is an error.
 *
 * @throws ArtifactError `archive.corrupt`, `archive.limit_exceeded`, and whatever the source throws
 */
export async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  options: GunzipOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const limits = { ...DEFAULT_UNPACK_LIMITS, ...options.limits };
  // zlib passes stream options on to its Transform; the types do not know.
  const settings: ZlibOptions & { highWaterMark: number } = {
    chunkSize: CHUNK_BYTES,
    highWaterMark: READ_AHEAD_BYTES,
  };
  const inflate = createGunzip(settings);
  const feed = new Feed(source, inflate, options.meter ?? unmetered);
  try {
    let unpackedBytes = 0;
    for await (const chunk of inflate as AsyncIterable<Buffer>) {
      unpackedBytes += chunk.length;
      checkRatio(limits, inflate.bytesWritten, unpackedBytes);
      yield chunk;
    }
    await feed.requireOnlyPadding();
  } catch (error) {
    throw feed.sourceError ?? gzipError(error);
  } finally {
    feed.stop();
  }
}

/** Brings the source into zlib. `pipe` would do, but it tells neither when zlib is busy nor what it left unread. */
class Feed {
  readonly #input: AsyncIterator<Uint8Array>;
  readonly #inflate: Gunzip;
  readonly #busy: BusyStage;
  readonly #done: Promise<void>;
  /** What has been written and may not have been consumed, with the position it begins at. */
  readonly #unread: { start: number; bytes: Uint8Array }[] = [];
  #position = 0;
  #ended = false;
  /** What the source threw, as it threw it. */
  sourceError: unknown;

  constructor(source: AsyncIterable<Uint8Array>, inflate: Gunzip, meter: StageMeter) {
    this.#input = source[Symbol.asyncIterator]();
    this.#inflate = inflate;
    this.#busy = new BusyStage(meter, "decompress");
    inflate.once("end", () => {
      this.#ended = true;
    });
    this.#done = this.#run();
  }

  /** Waits for the end of the source and checks what zlib did not want. */
  async requireOnlyPadding(): Promise<void> {
    await this.#done;
    const consumed = this.#inflate.bytesWritten;
    for (const { start, bytes } of this.#unread) requireZeros(bytes.subarray(Math.max(consumed - start, 0)));
    for (let next = await this.#input.next(); !next.done; next = await this.#input.next())
      requireZeros(next.value);
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
        if (this.#ended) return this.#keep(next.value);
        if (this.#inflate.destroyed) return;
        if (!this.#write(next.value)) await this.#drained();
        if (this.#ended) return;
      }
      this.#inflate.end();
    } catch (error) {
      this.sourceError = error;
      this.#inflate.destroy(error as Error);
    }
  }

  #write(chunk: Uint8Array): boolean {
    this.#keep(chunk);
    this.#busy.begin();
    return this.#inflate.write(chunk, () => {
      this.#busy.end();
      this.#dropConsumed();
    });
  }

  #keep(bytes: Uint8Array): void {
    this.#unread.push({ start: this.#position, bytes });
    this.#position += bytes.length;
  }

  #dropConsumed(): void {
    for (;;) {
      const first = this.#unread[0];
      if (first === undefined || first.start + first.bytes.length > this.#inflate.bytesWritten) return;
      this.#unread.shift();
    }
  }

  /** zlib never drains once it has seen the end, nor after an error. */
  async #drained(): Promise<void> {
    const settled = new AbortController();
    const waits = ["drain", "end", "close"].map((event) =>
      once(this.#inflate, event, { signal: settled.signal }),
    );
    try {
      await Promise.race(waits);
    } catch {
      // An error of zlib's reaches the consumer through its iterator; here it only ends the wait.
    } finally {
      settled.abort();
      await Promise.allSettled(waits);
    }
  }
}

function requireZeros(bytes: Uint8Array): void {
  if (bytes.some((byte) => byte !== 0)) {
    throw corruptArchive("corrupt gzip data: something other than padding stands behind the end");
  }
}

function gzipError(error: unknown): unknown {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "Z_BUF_ERROR") return corruptArchive("truncated gzip data: unexpected end of file", error);
  if (code === "Z_DATA_ERROR" || code === "Z_NEED_DICT")
    return corruptArchive(`corrupt gzip data: ${message}`, error);
  return error;
}
