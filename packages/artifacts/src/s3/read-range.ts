import { ArtifactError } from "@skein/contract";
import { abortableWithin } from "../abortable.ts";
import type { Retrier } from "../retry.ts";
import type { ObjectBody } from "./object-store.ts";
import type { Push } from "./range-queue.ts";
import { type ReadTarget, readOnce } from "./read-once.ts";

/** What all ranges of one object have in common. */
export interface RangeTarget extends ReadTarget {
  /** Known after the first answer. */
  etag: string | undefined;
}

export interface RangeRequest {
  first: number;
  /** Included. The first range of all asks for more than a small object has. */
  last: number;
  /** Takes the bytes; the next ones are read when it is ready for them. */
  push: Push;
  /** Told of the first answer. */
  onAnswer?: (answer: ObjectBody) => void;
  /** When it resolves, a second connection tries to be faster. */
  hedge?: Promise<void>;
}

/**
 * Reads one range to its end. A connection that breaks, stalls or ends early is replaced by one that begins at
 * the byte it had reached: what has arrived is never read again. When `hedge` resolves, a second connection begins at that
 * byte, too, and whichever is ahead brings the next one; the other is given up in the end.
 */
export async function readRange(target: RangeTarget, request: RangeRequest): Promise<void> {
  using own = abortableWithin(target.signal);
  const reading = new RangeReading(target, own.signal, request);
  let isOver = false;
  const second = request.hedge?.then(() => (isOver ? undefined : reading.hedge()));
  try {
    await reading.run();
  } finally {
    isOver = true;
    own.abort(new ArtifactError(`the range of ${target.key} is there`, { code: "transfer.aborted" }));
    // Nothing of ours runs after we have returned. A hedge that has not been asked for never ends.
    if (reading.hasHedge) await second?.catch(() => {});
  }
}

class RangeReading {
  hasHedge = false;
  readonly #target: RangeTarget;
  readonly #signal: AbortSignal;
  readonly #push: Push;
  /** The next byte that nobody has brought yet, and the last one wanted. */
  readonly #wanted: { first: number; last: number };
  #onAnswer: RangeRequest["onAnswer"];
  readonly #hedgeEnded = Promise.withResolvers<void>();

  constructor(target: RangeTarget, signal: AbortSignal, { first, last, push, onAnswer }: RangeRequest) {
    this.#target = target;
    this.#signal = signal;
    this.#push = push;
    this.#onAnswer = onAnswer;
    this.#wanted = { first, last };
  }

  async run(): Promise<void> {
    const { transfer, key } = this.#target;
    const retrier = transfer.retrier(this.#signal);
    for (;;) {
      try {
        // When the hedge has brought the last byte, what this connection still does is of no interest.
        await Promise.race([this.#connect(retrier), this.#hedgeEnded.promise]);
        if (this.#isComplete) return;
        throw endedEarly(key, this.#wanted.last - this.#wanted.first + 1);
      } catch (error) {
        if (this.#isComplete) return;
        await retrier.failed(error);
      }
    }
  }

  /** A second connection, once. That it fails changes nothing: the first one is still there. */
  async hedge(): Promise<void> {
    this.hasHedge = true;
    await this.#connect().catch(() => {});
    if (this.#isComplete) this.#hedgeEnded.resolve();
  }

  get #isComplete(): boolean {
    return this.#wanted.first > this.#wanted.last;
  }

  #connect(retrier?: Retrier): Promise<void> {
    const { transfer } = this.#target;
    const target = { ...this.#target, signal: this.#signal };
    return transfer.requests.use(
      () =>
        transfer.stream(() => {
          let position = this.#wanted.first;
          const what = { range: { ...this.#wanted }, ifMatch: strong(this.#target.etag) };
          return readOnce(target, what, {
            onAnswer: (answer) => this.#answered(answer),
            onBytes: (chunk) => {
              const start = position;
              position += chunk.byteLength;
              transfer.tally.bytes += chunk.byteLength;
              if (position <= this.#wanted.first) return; // the other connection was faster
              const fresh = chunk.subarray(this.#wanted.first - start);
              this.#wanted.first = position;
              retrier?.progressed();
              return this.#push(fresh);
            },
          });
        }),
      this.#signal,
    );
  }

  #answered(answer: ObjectBody): void {
    this.#target.etag ??= answer.etag;
    if (answer.etag !== this.#target.etag) throw otherVersion(this.#target, answer);
    if (this.#onAnswer) this.#wanted.last = lastByte(answer, this.#wanted.last);
    this.#onAnswer?.(answer);
    this.#onAnswer = undefined;
  }
}

/** Where the first range ends: with the object at the latest, and with it in any case when the store ignores ranges. */
export function lastByte(answer: ObjectBody, askedLast: number): number {
  const { sizeBytes, lengthBytes } = answer;
  return lengthBytes === sizeBytes ? sizeBytes - 1 : Math.min(askedLast, sizeBytes - 1);
}

/** `If-Match` compares strongly, so that a weak tag matches nothing, not even itself (RFC 9110 §13.1.1). */
function strong(etag: string | undefined): string | undefined {
  return etag?.startsWith("W/") ? undefined : etag;
}

/** `If-Match` should have been refused; not every store and proxy knows it. */
function otherVersion({ key, etag }: RangeTarget, answer: ObjectBody): ArtifactError {
  return new ArtifactError(`a range of ${key} is of another version: ETag ${answer.etag}, not ${etag}`, {
    code: "s3.changed_while_reading",
    remedy: "the object was replaced while it was read: let nobody else write this key",
  });
}

export function endedEarly(key: string, missingBytes: number): ArtifactError {
  return new ArtifactError(`the connection that carries ${key} ended ${missingBytes} bytes early`, {
    code: "transfer.interrupted",
    transient: true,
  });
}
