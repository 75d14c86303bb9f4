import { errorMessage } from "@skein/contract";
import type { Attributes, EventName } from "@skein/telemetry";
import type { PartMemory } from "./part-memory.ts";
import {
  createRetrier,
  isThrottled,
  type Retrier,
  type RetryNote,
  type RetryPolicy,
  retry,
} from "./retry.ts";
import type { Semaphore } from "./semaphore.ts";
import { StageClock } from "./stage-clock.ts";

/** A file or object that has been moved, or could not be. */
export interface FileMoved {
  /** Relative to the artifact. */
  file: string;
  sizeBytes: number;
  durationMs: number;
  error?: unknown;
}

export interface TransferOptions {
  signal: AbortSignal;
  policy: RetryPolicy;
  /** Bytes held in memory by all transfers together. */
  memory: Semaphore;
  /** Buffers lent out of `memory`. */
  parts: PartMemory;
  /** Requests in flight for all transfers together. */
  requests: Semaphore;
  onFile?: (file: FileMoved & { offsetBytes: number }) => void;
  onRetry?: (note: RetryNote) => void;
  /** Something that was learnt on the way and belongs on the span. */
  onAttributes?: (attributes: Attributes) => void;
  /** Something that happened on the way; `atMs` in milliseconds since the epoch, default now. */
  onEvent?: (name: EventName, attributes: Attributes, atMs?: number) => void;
  /** Something that people should know and that does not fail the transfer. */
  onWarning?: (message: string) => void;
  /** A monotonic clock in milliseconds. */
  now?: () => number;
  /** When it began before this was made. Default: now. */
  clock?: StageClock;
}

/** What one transfer has done so far. */
export interface Tally {
  /** On the wire. */
  bytes: number;
  unpackedBytes: number;
  files: number;
  /** Entries of an archive that were not unpacked. */
  leftOut: number;
  retries: number;
  throttledMs: number;
  stalledMs: number;
  /** The most connections at once. */
  streams: number;
  firstByteMs: number | undefined;
}

/**
 * One artifact on its way: what its driver may use, and where it says what it is doing.
 * Limits are shared with the other artifacts; clock and tally are its own.
 */
export class Transfer {
  readonly signal: AbortSignal;
  readonly memory: Semaphore;
  readonly parts: PartMemory;
  readonly requests: Semaphore;
  readonly now: () => number;
  readonly clock: StageClock;
  readonly tally: Tally;
  readonly #options: TransferOptions;
  readonly #open: { streams: number };

  constructor(options: TransferOptions, whole?: Transfer) {
    this.#options = options;
    this.signal = options.signal;
    this.memory = options.memory;
    this.parts = options.parts;
    this.requests = options.requests;
    this.now = options.now ?? (() => performance.now());
    this.clock = whole?.clock ?? options.clock ?? new StageClock(this.now);
    this.tally = whole?.tally ?? {
      bytes: 0,
      unpackedBytes: 0,
      files: 0,
      leftOut: 0,
      retries: 0,
      throttledMs: 0,
      stalledMs: 0,
      streams: 0,
      firstByteMs: undefined,
    };
    this.#open = whole ? whole.#open : { streams: 0 };
  }

  /** The same transfer for a part of it that can be given up on its own. Clock and tally stay the artifact's. */
  within(signal: AbortSignal): Transfer {
    return new Transfer({ ...this.#options, signal }, this);
  }

  /** Follows one request, or one range, through its failures. `signal` ends the waits; default the artifact's. */
  retrier(signal = this.signal): Retrier {
    return createRetrier(this.#options.policy, {
      signal,
      now: this.now,
      waiting: (wait) => this.clock.during("retry_wait", wait),
      onRetry: (note) => {
        this.tally.retries++;
        if (isThrottled(note.code)) this.tally.throttledMs += note.delayMs;
        this.#options.onRetry?.(note);
      },
    });
  }

  /** Runs `work` until it succeeds or there is no use in it. */
  retry<T>(work: () => Promise<T>, signal = this.signal): Promise<T> {
    return retry(this.retrier(signal), work);
  }

  /** Counts a connection that carries the artifact, for as long as `work` takes. */
  async stream<T>(work: () => Promise<T>): Promise<T> {
    this.#open.streams++;
    this.tally.streams = Math.max(this.tally.streams, this.#open.streams);
    try {
      return await work();
    } finally {
      this.#open.streams--;
    }
  }

  /** Connections that carry the artifact at the moment. */
  get openStreams(): number {
    return this.#open.streams;
  }

  /** Waits for the answer to a request; the first one is remembered as the server's first byte. */
  async firstByte<T>(work: () => Promise<T>): Promise<T> {
    const startMs = this.now();
    const answer = await this.clock.during("first_byte", work);
    this.tally.firstByteMs ??= this.now() - startMs;
    return answer;
  }

  fileMoved(file: FileMoved): void {
    const offsetBytes = this.tally.unpackedBytes;
    if (file.error === undefined) {
      this.tally.files++;
      this.tally.unpackedBytes += file.sizeBytes;
    }
    this.#options.onFile?.({ ...file, offsetBytes });
  }

  annotate(attributes: Attributes): void {
    this.#options.onAttributes?.(attributes);
  }

  event(name: EventName, attributes: Attributes, atMs?: number): void {
    this.#options.onEvent?.(name, attributes, atMs);
  }

  warn(message: string): void {
    this.#options.onWarning?.(message);
  }

  /** Clears something away after a failure. That this fails too must not hide the failure. */
  async abandon(work: () => Promise<void>, what: string): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.warn(`${what} may stay behind: ${errorMessage(error)}`);
    }
  }

  /** Forgets what was moved: the artifact starts again. Times, retries and bytes on the wire stay: they were spent. */
  restart(): void {
    this.tally.unpackedBytes = 0;
    this.tally.files = 0;
    this.tally.leftOut = 0;
  }
}
