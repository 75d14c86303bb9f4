import { ArtifactError } from "@skein/contract";
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
            readOnce(
              target,
              { range: { ...range }, ifMatch: target.etag },
              {
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
              },
            ),
          ),
        target.signal,
      );
      if (range.first > range.last) return;
      throw endedEarly(target.key, range.last - range.first + 1);
    } catch (error) {
      await retrier.failed(error);
    }
  }
}

/** Where the first range ends: with the object at the latest, and with it in any case when the store ignores ranges. */
export function lastByte(answer: ObjectBody, askedLast: number): number {
  const { sizeBytes, lengthBytes } = answer;
  return lengthBytes === sizeBytes ? sizeBytes - 1 : Math.min(askedLast, sizeBytes - 1);
}

export function endedEarly(key: string, missingBytes: number): ArtifactError {
  return new ArtifactError(`the connection that carries ${key} ended ${missingBytes} bytes early`, {
    code: "transfer.interrupted",
    transient: true,
  });
}
