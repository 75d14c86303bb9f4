import type { StageMeter } from "../stage-clock.ts";

/** Writes bytes to their place, which are in several pieces. */
export type WriteAt = (chunks: readonly Uint8Array[], position: number) => Promise<void>;

/** So much is gathered for one write: what a socket brings at a time is less than a call to the disk is worth. */
const BATCH_BYTES = 512 * 1024;
/** What such a writer holds in memory: one batch on its way to the disk, and the next one. */
export const RANGE_WRITER_BYTES = 2 * BATCH_BYTES;

/** Takes the bytes of one range in order; while one batch of them is written, the next one is gathered. */
export class RangeWriter {
  readonly #write: WriteAt;
  readonly #disk: SharedDisk;
  readonly #gathers: boolean;
  #position: number;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #writing: Promise<void> = Promise.resolve();

  /** @param options.gathers false for one that has no memory of its own, and writes what it gets as it comes */
  constructor(position: number, write: WriteAt, { disk, gathers }: { disk: SharedDisk; gathers: boolean }) {
    this.#position = position;
    this.#write = write;
    this.#disk = disk;
    this.#gathers = gathers;
  }

  /** @returns a promise when the next bytes have to wait for it */
  push(chunk: Uint8Array): Promise<void> | void {
    this.#batch.push(chunk);
    this.#batchBytes += chunk.byteLength;
    if (!this.#gathers || this.#batchBytes >= BATCH_BYTES) return this.#flush();
  }

  /** Writes what is left, and waits until all is written. */
  async finish(): Promise<void> {
    if (this.#batchBytes > 0) await this.#flush();
    await this.#disk.wait(this.#writing);
  }

  /** After a failure: resolves when the disk has let go of the file. */
  async settle(): Promise<void> {
    await this.#writing.catch(() => {}); // the failure that matters is on its way up
  }

  async #flush(): Promise<void> {
    await this.#disk.wait(this.#writing);
    const [batch, position] = [this.#batch, this.#position];
    this.#position += this.#batchBytes;
    this.#batch = [];
    this.#batchBytes = 0;
    this.#writing = this.#write(batch, position);
    this.#writing.catch(() => {}); // met at the next wait
  }
}

/** A disk that several connections write to is what holds the transfer up while most of them wait for it. */
export class SharedDisk {
  readonly #meter: StageMeter;
  readonly #connections: () => number;
  #waiting = 0;
  #stage: "disk" | "disk_behind" | undefined;

  /** @param connections how many bring bytes at the moment */
  constructor(meter: StageMeter, connections: () => number) {
    this.#meter = meter;
    this.#connections = connections;
  }

  async wait(writing: Promise<void>): Promise<void> {
    this.#changed(1);
    try {
      await writing;
    } finally {
      this.#changed(-1);
    }
  }

  #changed(by: 1 | -1): void {
    this.#waiting += by;
    const holdsUp = 2 * this.#waiting > this.#connections();
    const stage = this.#waiting === 0 ? undefined : holdsUp ? "disk" : "disk_behind";
    if (stage === this.#stage) return;
    if (stage) this.#meter.enter(stage);
    if (this.#stage) this.#meter.leave(this.#stage);
    this.#stage = stage;
  }
}
