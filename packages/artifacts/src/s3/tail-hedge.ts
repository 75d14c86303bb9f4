/** One range on its way, and the moment at which a second connection may try to be faster. */
export interface HedgedRange {
  /** Resolves when the range has become the slow one that everything waits for; never when it does not. */
  readonly hedge: Promise<void>;
  /** To be called when it has arrived, or has failed. */
  end(): void;
}

/** Slower than so many times the others … */
const SLOW_FACTOR = 3;
/** … and for longer than anybody would call a hiccup. */
const SLOW_MS = 1000;
const PERIOD_MS = 200;
/** As many have to have arrived before one can be called slow. */
const ENOUGH = 2;

/**
 * Watches the last ranges of an object. Up to then a slow connection holds up nobody, because the others bring what comes
 * after it; in the end everything waits for it. Amazon's own advice is to ask again for the slowest few requests:
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/optimizing-performance-guidelines.html
 */
export class TailHedge implements Disposable {
  readonly #running = new Map<HedgedRange, { sinceMs: number; isHeldUp: () => boolean; fire: () => void }>();
  readonly #durationsMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** @param isHeldUp whether the range waits for whoever takes its bytes: then another connection would not help */
  begin(isHeldUp: () => boolean = () => false): HedgedRange {
    const { promise, resolve } = Promise.withResolvers<void>();
    const sinceMs = performance.now();
    const range: HedgedRange = {
      hedge: promise,
      end: () => {
        if (this.#running.delete(range)) this.#durationsMs.push(performance.now() - sinceMs);
      },
    };
    this.#running.set(range, { sinceMs, isHeldUp, fire: resolve });
    return range;
  }

  /** All ranges have begun. */
  watchTail(): void {
    this.#timer ??= setInterval(() => this.#look(), PERIOD_MS);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    if (this.#durationsMs.length < ENOUGH) return;
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    const usualMs = sorted[Math.floor(sorted.length / 2)] ?? 0;
    const slowMs = Math.max(SLOW_MS, SLOW_FACTOR * usualMs);
    for (const { sinceMs, isHeldUp, fire } of this.#running.values()) {
      if (performance.now() - sinceMs > slowMs && !isHeldUp()) fire(); // once more does nothing
    }
  }
}
