import { releaseMemory } from "@skein/archive";
import type { Semaphore } from "./semaphore.ts";

/** A piece of memory to put a part into, on loan. */
export interface PartBuffer {
  bytes: Uint8Array;
  /** Ends the loan. `again` says that nobody can still be reading it, so that it may be lent to somebody else. */
  release(again: boolean): void;
}

/** Below this, making a buffer costs less than keeping one. */
const POOLED_FROM_BYTES = 1024 * 1024;

/**
 * Lends memory out of everybody's budget. Large buffers are used again: left to the collector, those that wait for
 * it would take as much memory as those in use.
 */
export class PartMemory {
  readonly #budget: Semaphore;
  readonly #spare: Uint8Array[] = [];
  /** Of buffers that exist, lent or spare. */
  #pooledBytes = 0;

  constructor(budget: Semaphore) {
    this.#budget = budget;
  }

  async take(bytes: number, signal: AbortSignal): Promise<PartBuffer> {
    const reservation = await this.#budget.acquire(bytes, signal);
    if (bytes < POOLED_FROM_BYTES) {
      return { bytes: Buffer.allocUnsafe(bytes), release: () => reservation.release() };
    }
    const buffer = this.#spareOf(bytes) ?? this.#make(bytes);
    let isLent = true;
    return {
      bytes: buffer,
      release: (again) => {
        if (!isLent) return;
        isLent = false;
        if (again) this.#spare.push(buffer);
        else this.#pooledBytes -= bytes;
        reservation.release();
      },
    };
  }

  #spareOf(bytes: number): Uint8Array | undefined {
    const index = this.#spare.findLastIndex((buffer) => buffer.byteLength === bytes);
    return index < 0 ? undefined : this.#spare.splice(index, 1)[0];
  }

  /** Spare buffers of other sizes make room first, so that all together stay within the budget. */
  #make(bytes: number): Uint8Array {
    while (this.#pooledBytes + bytes > this.#budget.capacity) {
      const dropped = this.#spare.shift();
      if (!dropped) break;
      this.#pooledBytes -= dropped.byteLength;
      releaseMemory(dropped);
    }
    this.#pooledBytes += bytes;
    // Untouched pages of a buffer of its own cost nothing: a short stream does not pay for a whole part.
    return Buffer.allocUnsafeSlow(bytes);
  }
}
