import type { Reservation } from "../semaphore.ts";

/** The bytes of one range, between the connection that brings them and the consumer that takes them. */
export class RangeQueue implements AsyncIterable<Uint8Array> {
  /** Whether the consumer had to wait. */
  starved = false;
  /** Settles when the last byte has arrived, or with the failure. */
  readonly ended: Promise<void>;
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #heldBytes = 0;
  #done = false;
  #reservation: Reservation | undefined;
  #arrived: () => void = () => {};
  #taken: () => void = () => {};

  /**
   * @param maxBytes what is held at most; a store that ignores ranges and sends the whole object has to wait
   * @param memory the reservation for it
   * @param read brings the bytes; starts once the memory is there
   */
  constructor(
    maxBytes: number,
    memory: Promise<Reservation>,
    read: (reservation: Reservation, push: (chunk: Uint8Array) => Promise<void> | void) => Promise<void>,
  ) {
    this.#maxBytes = maxBytes;
    this.ended = this.#run(memory, read);
    // The consumer meets the failure when it gets there, possibly much later.
    this.ended.catch(() => {});
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = this.#chunks.shift();
      if (chunk) {
        yield chunk;
        this.#heldBytes -= chunk.byteLength;
        if (this.#done) this.#reservation?.shrinkTo(this.#heldBytes);
        this.#taken();
        continue;
      }
      if (this.#done) break;
      this.starved = true;
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
    this.discard();
    await this.ended;
  }

  /** Gives the memory back. */
  discard(): void {
    this.#chunks.length = 0;
    this.#reservation?.release();
  }

  async #run(
    memory: Promise<Reservation>,
    read: (reservation: Reservation, push: (chunk: Uint8Array) => Promise<void> | void) => Promise<void>,
  ): Promise<void> {
    try {
      this.#reservation = await memory;
      await read(this.#reservation, (chunk) => this.#push(chunk));
    } catch (error) {
      this.discard();
      throw error;
    } finally {
      this.#done = true;
      this.#arrived();
    }
  }

  #push(chunk: Uint8Array): Promise<void> | void {
    this.#chunks.push(chunk);
    this.#heldBytes += chunk.byteLength;
    this.#arrived();
    if (this.#heldBytes <= this.#maxBytes) return;
    return new Promise((resolve) => {
      this.#taken = resolve;
    });
  }
}
