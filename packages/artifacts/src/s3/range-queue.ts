import { releaseRead } from "@skein/archive";
import type { Reservation } from "../semaphore.ts";

/** Takes bytes, and the buffer they came in with them; the next ones may come when it resolves. */
export type Push = (chunk: Uint8Array) => Promise<void> | void;

export interface RangeQueueOptions {
  /** What is held at most; the connection waits while there is more. */
  maxBytes: number;
  /** The reservation for it. */
  memory: Promise<Reservation>;
  /** Brings the bytes; starts once the memory is there. */
  read: (reservation: Reservation, push: Push) => Promise<void>;
  /**
   * Collects the bytes in one piece of memory of `maxBytes`, which must hold all of them. Bytes that wait long in the
   * small pieces in which a socket brings them make the collector work as hard as unpacking them does.
   */
  inOnePiece?: boolean;
}

/** The bytes of one range, between the connection that brings them and the consumer that takes them. */
export class RangeQueue implements AsyncIterable<Uint8Array> {
  /** How long the consumer had to wait for bytes after the first, in milliseconds. */
  waitedMs = 0;
  /** Settles when the last byte has arrived, or with the failure. */
  readonly ended: Promise<void>;
  readonly #options: RangeQueueOptions;
  readonly #held: HeldBytes;
  #hasBegun = false;
  #done = false;
  #isDiscarded = false;
  #reservation: Reservation | undefined;
  #arrived: () => void = () => {};
  #taken: () => void = () => {};

  constructor(options: RangeQueueOptions) {
    this.#options = options;
    this.#held = options.inOnePiece ? new OnePiece(options.maxBytes) : new Pieces();
    this.ended = this.#run();
    // The consumer meets the failure when it gets there, possibly much later.
    this.ended.catch(() => {});
  }

  /** Whether the connection waits for the consumer. */
  get isHeldUp(): boolean {
    return this.#held.bytes > this.#options.maxBytes;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#held.take();
      if (chunk) {
        this.#hasBegun = true;
        yield chunk;
        if (this.#done) this.#reservation?.shrinkTo(this.#held.bytes);
        this.#taken();
        continue;
      }
      if (this.#done) break;
      const sinceMs = performance.now();
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
      // The first byte is the server's time; more connections would not bring it sooner.
      if (this.#hasBegun) this.waitedMs += performance.now() - sinceMs;
      this.#hasBegun = true;
    }
    this.discard();
    await this.ended;
  }

  /** Gives the memory back. What still comes is dropped, so that a connection that waits for the consumer can end. */
  discard(): void {
    this.#isDiscarded = true;
    this.#held.clear();
    this.#reservation?.release();
    this.#taken();
  }

  async #run(): Promise<void> {
    try {
      this.#reservation = await this.#options.memory;
      if (this.#isDiscarded) return;
      await this.#options.read(this.#reservation, (chunk) => this.#push(chunk));
    } catch (error) {
      this.discard();
      throw error;
    } finally {
      if (this.#isDiscarded) this.#reservation?.release();
      this.#done = true;
      this.#arrived();
    }
  }

  #push(chunk: Uint8Array): Promise<void> | void {
    if (this.#isDiscarded) return;
    this.#held.add(chunk);
    this.#arrived();
    if (this.#held.bytes <= this.#options.maxBytes) return;
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }
}

interface HeldBytes {
  readonly bytes: number;
  add(chunk: Uint8Array): void;
  take(): Uint8Array | undefined;
  clear(): void;
}

class Pieces implements HeldBytes {
  bytes = 0;
  readonly #chunks: Uint8Array[] = [];

  add(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
    this.bytes += chunk.byteLength;
  }

  take(): Uint8Array | undefined {
    const chunk = this.#chunks.shift();
    this.bytes -= chunk?.byteLength ?? 0;
    return chunk;
  }

  clear(): void {
    this.#chunks.length = 0;
    this.bytes = 0;
  }
}

/** What is taken are views; the memory goes when the last of them does, and is never filled twice. */
class OnePiece implements HeldBytes {
  readonly #maxBytes: number;
  #buffer: Uint8Array | undefined;
  #filled = 0;
  #read = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get bytes(): number {
    return this.#filled - this.#read;
  }

  add(chunk: Uint8Array): void {
    // Not before the first byte: until then a range costs nothing.
    this.#buffer ??= Buffer.allocUnsafeSlow(this.#maxBytes);
    this.#buffer.set(chunk, this.#filled);
    this.#filled += chunk.byteLength;
    releaseRead(chunk);
  }

  take(): Uint8Array | undefined {
    if (this.bytes === 0) return undefined;
    const from = this.#read;
    this.#read = Math.min(this.#filled, from + MAX_VIEW_BYTES);
    return this.#buffer?.subarray(from, this.#read);
  }

  clear(): void {
    this.#buffer = undefined;
    this.#read = this.#filled;
  }
}

/** As long as what zlib likes to be given at a time. */
const MAX_VIEW_BYTES = 512 * 1024;
