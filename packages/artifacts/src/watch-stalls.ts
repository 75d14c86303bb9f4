import { ArtifactError } from "@skein/contract";

export interface StallOptions {
  /** A wait longer than this for the next bytes is a stall. */
  timeoutMs: number;
  /** So is a time of waiting that long which has brought less than this many bytes a second. Default 0. */
  minBytesPerSecond?: number;
  /** Must make the pending read fail with this reason, by aborting the request behind it. */
  abort: (reason: ArtifactError) => void;
  /** Told how long nothing came. */
  onStall: (ms: number) => void;
  /** Names the source in the message. */
  what: string;
}

const STALLED_REMEDY =
  "look at the network between this node and the server; SKEIN_STALL_TIMEOUT_SECONDS sets how long is waited";

/**
 * Passes bytes through and gives up on a source that delivers nothing for too long: the other side of a dead
 * connection may never hang up. Only time spent waiting for the source counts, not time the consumer takes.
 */
export async function* watchStalls(
  source: AsyncIterable<Uint8Array>,
  options: StallOptions,
): AsyncGenerator<Uint8Array> {
  const iterator = source[Symbol.asyncIterator]();
  const timer = new StallTimer(options);
  const floor = new SpeedFloor(options);
  try {
    for (;;) {
      timer.start();
      const sinceMs = performance.now();
      const next = await iterator.next().catch((error: unknown) => {
        throw timer.stalled ?? error;
      });
      timer.stop();
      if (next.done) return;
      floor.passed(next.value.byteLength, performance.now() - sinceMs);
      yield next.value;
    }
  } finally {
    timer.stop();
    await iterator.return?.();
  }
}

/** Waits for an answer no longer than `timeoutMs`, then aborts the request. */
export async function withinStallTime<T>(answer: () => Promise<T>, options: StallOptions): Promise<T> {
  const timer = new StallTimer(options);
  timer.start();
  try {
    return await answer();
  } catch (error) {
    throw timer.stalled ?? error;
  } finally {
    timer.stop();
  }
}

/**
 * Gives up on a request whose body nobody takes.
 *
 * @param send is to call `onSent` when the connection is there and whenever some of the body has gone, saying whether that
 *   was the last of it. What the other side makes of it then may take its time.
 */
export async function whileSending<T>(
  send: (onSent: (isAll: boolean) => void) => Promise<T>,
  options: StallOptions,
): Promise<T> {
  const timer = new StallTimer(options, "took");
  let sentAtMs = Number.POSITIVE_INFINITY;
  try {
    return await send((isAll) => {
      timer.stop();
      if (isAll) sentAtMs = performance.now();
      else timer.start();
    });
  } catch (error) {
    // What lies between may have taken all of it, and the other side none: the connection ends without an answer.
    const silentMs = performance.now() - sentAtMs;
    if (silentMs >= options.timeoutMs && isNetworkError(error)) options.onStall(silentMs);
    throw timer.stalled ?? error;
  } finally {
    timer.stop();
  }
}

function isNetworkError(error: unknown): boolean {
  return error instanceof ArtifactError && error.code.startsWith("network.");
}

/** A connection may be alive and yet no use. */
class SpeedFloor {
  readonly #options: StallOptions;
  #waitedMs = 0;
  #bytes = 0;

  constructor(options: StallOptions) {
    this.#options = options;
  }

  /** @throws ArtifactError `transfer.stalled` when what has come is not worth the time */
  passed(bytes: number, waitedMs: number): void {
    const { timeoutMs, minBytesPerSecond = 0, abort, onStall, what } = this.#options;
    this.#waitedMs += waitedMs;
    this.#bytes += bytes;
    if (this.#waitedMs < timeoutMs) return;
    if (this.#bytes >= (minBytesPerSecond * this.#waitedMs) / 1000) {
      this.#waitedMs = 0;
      this.#bytes = 0;
      return;
    }
    onStall(this.#waitedMs);
    const stalled = new ArtifactError(
      `${what} delivered ${this.#bytes} bytes in ${(this.#waitedMs / 1000).toFixed(1)} s`,
      { code: "transfer.stalled", transient: true, remedy: STALLED_REMEDY },
    );
    abort(stalled);
    throw stalled;
  }
}

class StallTimer {
  /** Set once the time was up. */
  stalled: ArtifactError | undefined;
  readonly #options: StallOptions;
  readonly #verb: string;
  #timer: NodeJS.Timeout | undefined;
  #look: NodeJS.Immediate | undefined;

  constructor(options: StallOptions, verb = "delivered") {
    this.#options = options;
    this.#verb = verb;
  }

  start(): void {
    this.#timer = setTimeout(() => {
      // When this process had no time, what has come meanwhile is only now looked at: timers are served before sockets.
      this.#look = setImmediate(() => this.#fire());
    }, this.#options.timeoutMs);
  }

  stop(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#look);
  }

  #fire(): void {
    const { timeoutMs, abort, onStall, what } = this.#options;
    onStall(timeoutMs);
    this.stalled = new ArtifactError(`${what} ${this.#verb} nothing for ${timeoutMs / 1000} s`, {
      code: "transfer.stalled",
      transient: true,
      remedy: STALLED_REMEDY,
    });
    abort(this.stalled);
  }
}
