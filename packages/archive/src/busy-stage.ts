import type { ArchiveStage, StageMeter } from "./stage-meter.ts";

/** Several things of one stage going on at once are one busy stage to the meter. */
export class BusyStage {
  readonly #meter: StageMeter;
  readonly #stage: ArchiveStage;
  #running = 0;

  constructor(meter: StageMeter, stage: ArchiveStage) {
    this.#meter = meter;
    this.#stage = stage;
  }

  begin(): void {
    if (this.#running++ === 0) this.#meter.enter(this.#stage);
  }

  end(): void {
    if (this.#running === 0) return;
    if (--this.#running === 0) this.#meter.leave(this.#stage);
  }

  endAll(): void {
    if (this.#running > 0) this.#meter.leave(this.#stage);
    this.#running = 0;
  }
}

/** Counts the time a source takes to give its next item as the stage's. */
export async function* metered<T>(
  source: AsyncIterable<T>,
  stage: ArchiveStage,
  meter: StageMeter,
): AsyncGenerator<T, void, undefined> {
  const items = source[Symbol.asyncIterator]();
  let finished = false;
  try {
    while (!finished) {
      meter.enter(stage);
      let next: IteratorResult<T>;
      try {
        next = await items.next();
      } catch (error) {
        finished = true;
        throw error;
      } finally {
        meter.leave(stage);
      }
      finished = next.done === true;
      if (!next.done) yield next.value;
    }
  } finally {
    if (!finished) await items.return?.();
  }
}
