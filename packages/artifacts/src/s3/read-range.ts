import { ArtifactError } from "@skein/contract";
import type { Transfer } from "../transfer.ts";
import { watchStalls, withinStallTime } from "../watch-stalls.ts";
import type { ObjectBody, ObjectStore } from "./object-store.ts";
import type { Push } from "./range-queue.ts";

/** What all ranges of one object have in common. */
export interface RangeTarget {
  store: ObjectStore;
  key: string;
  transfer: Transfer;
  signal: AbortSignal;
  stallTimeoutMs: number;
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
}

/**
 * Reads one range to its end. A connection that breaks, stalls or ends early is replaced by one that begins at
 * the byte it had reached: what has arrived is never read again.
 */
export async function readRange(target: RangeTarget, request: RangeRequest): Promise<void> {
  const { transfer } = target;
  const retrier = transfer.retrier(target.signal);
  const range = { first: request.first, last: request.last };
  let onAnswer = request.onAnswer;
  for (;;) {
    try {
      await transfer.requests.use(
        () =>
          transfer.stream(() =>
            readOnce(target, range, {
              onAnswer(answer) {
                target.etag ??= answer.etag;
                if (onAnswer) range.last = lastByte(answer, range.last);
                onAnswer?.(answer);
                onAnswer = undefined;
              },
              onBytes(chunk) {
                range.first += chunk.byteLength;
                transfer.tally.bytes += chunk.byteLength;
                retrier.progressed();
                return request.push(chunk);
              },
            }),
          ),
        target.signal,
      );
      if (range.first > range.last) return;
      throw endedEarly(target.key, range);
    } catch (error) {
      await retrier.failed(error);
    }
  }
}

async function readOnce(
  target: RangeTarget,
  range: { first: number; last: number },
  to: { onAnswer: (answer: ObjectBody) => void; onBytes: Push },
): Promise<void> {
  const { store, key, transfer, stallTimeoutMs } = target;
  const attempt = new AbortController();
  const signal = AbortSignal.any([target.signal, attempt.signal]);
  const stall = {
    timeoutMs: stallTimeoutMs,
    what: `the connection that carries ${key}`,
    abort: (reason: ArtifactError) => attempt.abort(reason),
    onStall: (ms: number) => {
      transfer.tally.stalledMs += ms;
    },
  };
  const answer = await transfer.firstByte(() =>
    withinStallTime(() => store.get(key, { signal, range: { ...range }, ifMatch: target.etag }), stall),
  );
  to.onAnswer(answer);
  await transfer.clock.during("network", async () => {
    for await (const chunk of watchStalls(answer.body, stall)) {
      const taken = to.onBytes(chunk);
      if (taken) await taken;
    }
  });
}

/** Where the first range ends: with the object at the latest, and with it in any case when the store ignores ranges. */
export function lastByte(answer: ObjectBody, askedLast: number): number {
  const { sizeBytes, lengthBytes } = answer;
  return lengthBytes === sizeBytes ? sizeBytes - 1 : Math.min(askedLast, sizeBytes - 1);
}

function endedEarly(key: string, rest: { first: number; last: number }): ArtifactError {
  const missing = rest.last - rest.first + 1;
  return new ArtifactError(`the connection that carries ${key} ended ${missing} bytes early`, {
    code: "transfer.interrupted",
    transient: true,
  });
}
