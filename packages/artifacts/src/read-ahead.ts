import type { BusyStage, StageMeter } from "./stage-clock.ts";

/** As much as zlib itself makes in advance. */
const AHEAD_BYTES = 1024 * 1024;

/**
 * Reads on while the consumer is busy, and knows by how full it is which of the two holds up the other: a writer
 * that works on one chunk while the next ones are still being made costs no time, however busy it is.
 * To be read once.
 */
export class ReadAhead implements AsyncIterable<Uint8Array> {
  /** The meter for whoever takes the chunks. */
  readonly consumer: StageMeter;
  readonly #source: AsyncIterator<Uint8Array>;
  readonly #writer: WriterMeter;
  readonly #held: Uint8Array[] = [];
  #heldBytes = 0;
  #isOver = false;
  #failure: { error: unknown } | undefined;
  #arrived: () => void = () => {};
  #taken: () => void = () => {};

  constructor(source: AsyncIterable<Uint8Array>, meter: StageMeter) {
    this.#source = source[Symbol.asyncIterator]();
    this.#writer = new WriterMeter(meter, () => this.#isFull);
    this.consumer = this.#writer;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    void this.#fill();
    try {
      for (;;) {
        const chunk = this.#held.shift();
        if (chunk) {
          this.#heldBytes -= chunk.byteLength;
          this.#taken();
          yield chunk;
        } else if (this.#isOver) break;
        else {
          await new Promise<void>((resolve) => {
            this.#arrived = resolve;
          });
        }
      }
      if (this.#failure) throw this.#failure.error;
    } finally {
      if (!this.#isOver) this.#stop();
    }
  }

  get #isFull(): boolean {
    return this.#heldBytes >= AHEAD_BYTES;
  }

  async #fill(): Promise<void> {
    try {
      while (!this.#isOver) {
        const next = await this.#source.next();
        if (next.done) break;
        this.#held.push(next.value);
        this.#heldBytes += next.value.byteLength;
        this.#arrived();
        this.#writer.update();
        if (this.#isFull) {
          await new Promise<void>((resolve) => {
            this.#taken = resolve;
          });
        }
      }
    } catch (error) {
      this.#failure = { error };
    }
    this.#isOver = true;
    this.#arrived();
    this.#writer.update();
  }

  /** Not awaited: a source that waits for the network answers in its own time. */
  #stop(): void {
    this.#isOver = true;
    this.#taken();
    this.#source.return?.()?.catch(() => undefined); // the reason for stopping is already on its way up
  }
}

/**
 * Work that is done before anything else can run belongs to the writer. Of work that is waited for, only what happens
 * while the queue is full does: until then the source is still making what is written next.
 */
class WriterMeter implements StageMeter {
  readonly #meter: StageMeter;
  readonly #holdsUp: () => boolean;
  #stage: "disk" | "disk_behind" | undefined;
  #isWaiting = false;
  #work = 0;

  constructor(meter: StageMeter, holdsUp: () => boolean) {
    this.#meter = meter;
    this.#holdsUp = holdsUp;
  }

  enter(stage: BusyStage): void {
    if (stage !== "disk") {
      this.#meter.enter(stage);
      return;
    }
    const work = ++this.#work;
    this.#become("disk");
    queueMicrotask(() => {
      if (work !== this.#work || !this.#stage) return;
      this.#isWaiting = true;
      this.update();
    });
  }

  leave(stage: BusyStage): void {
    if (stage !== "disk") {
      this.#meter.leave(stage);
      return;
    }
    this.#isWaiting = false;
    this.#become(undefined);
  }

  /** To be called when the queue has become longer. */
  update(): void {
    if (this.#isWaiting) this.#become(this.#holdsUp() ? "disk" : "disk_behind");
  }

  #become(stage: "disk" | "disk_behind" | undefined): void {
    if (stage === this.#stage) return;
    if (stage) this.#meter.enter(stage);
    if (this.#stage) this.#meter.leave(this.#stage);
    this.#stage = stage;
  }
}
