import { ArtifactError } from "@skein/contract";
import type { Reservation } from "../semaphore.ts";
import type { Transfer } from "../transfer.ts";
import type { ObjectBody, ObjectStore } from "./object-store.ts";
import { RangeQueue } from "./range-queue.ts";
import { lastByte, type RangeTarget, readRange } from "./read-range.ts";

export interface RangedReadOptions {
  /** Bytes per request. Default 8 MiB: a tenth of a second on one of S3's connections of about 90 MB/s. */
  rangeBytes: number;
  /** Ranges in flight at most. Default 8. With `rangeBytes` this bounds the memory one object takes. */
  maxStreams: number;
  /** A connection that delivers nothing for this long is left. Default 10 s. */
  stallTimeoutMs: number;
}

export interface OpenedObject {
  sizeBytes: number;
  etag: string | undefined;
  /** The whole object, in order. */
  stream: AsyncGenerator<Uint8Array>;
}

/** The window of ranges begins small; see {@link openObject}. */
const FIRST_WINDOW = 2;

/**
 * Reads an object over several connections and delivers it in order. The first range tells the size, so there is
 * no HEAD. Ranges after it carry `If-Match`, so that two versions of an object are never mixed. The number of
 * ranges in flight doubles each time the consumer has to wait, up to `maxStreams`: a consumer that is slower than
 * one connection never pays for memory it does not need.
 *
 * Everything stops when `transfer.signal` does; a stream that is never read needs that to give its memory back.
 *
 * @throws ArtifactError of the first request, among them `s3.no_such_key`; later failures come from the stream
 */
export async function openObject(
  store: ObjectStore,
  key: string,
  transfer: Transfer,
  options: RangedReadOptions,
): Promise<OpenedObject> {
  const siblings = new AbortController();
  const target: RangeTarget = {
    store,
    key,
    transfer,
    signal: AbortSignal.any([transfer.signal, siblings.signal]),
    stallTimeoutMs: options.stallTimeoutMs,
    etag: undefined,
  };
  const answered = Promise.withResolvers<ObjectBody>();
  const first = startRange(target, options.rangeBytes, (reservation, push) =>
    readRange(target, {
      first: 0,
      last: options.rangeBytes - 1,
      push,
      onAnswer: (answer) => {
        reservation.shrinkTo(answer.lengthBytes);
        answered.resolve(answer);
      },
    }),
  );
  first.ended.catch(answered.reject);
  const answer = await answered.promise;
  const { sizeBytes, etag } = answer;
  const rest = { ...options, sizeBytes, nextByte: lastByte(answer, options.rangeBytes - 1) + 1 };
  return { sizeBytes, etag, stream: deliver(target, first, rest, siblings) };
}

async function* deliver(
  target: RangeTarget,
  first: RangeQueue,
  options: RangedReadOptions & { sizeBytes: number; nextByte: number },
  siblings: AbortController,
): AsyncGenerator<Uint8Array> {
  const { rangeBytes, maxStreams, sizeBytes } = options;
  const ahead = [first];
  let { nextByte } = options;
  let window = Math.min(FIRST_WINDOW, maxStreams);
  try {
    for (;;) {
      while (ahead.length < window && nextByte < sizeBytes) {
        const range = { first: nextByte, last: Math.min(nextByte + rangeBytes, sizeBytes) - 1 };
        ahead.push(
          startRange(target, range.last - range.first + 1, (_reservation, push) =>
            readRange(target, { ...range, push }),
          ),
        );
        nextByte = range.last + 1;
      }
      const [head] = ahead;
      if (!head) return;
      yield* head;
      ahead.shift();
      if (head.starved) window = Math.min(maxStreams, window * 2);
    }
  } finally {
    siblings.abort(new ArtifactError(`reading ${target.key} was given up`, { code: "transfer.aborted" }));
    await Promise.allSettled(ahead.map((range) => range.ended)); // nothing of ours runs any more
    for (const range of ahead) range.discard();
  }
}

/** Memory first, in the order of the ranges: the one the consumer waits for never queues behind a later one. */
function startRange(
  target: RangeTarget,
  bytes: number,
  read: (reservation: Reservation, push: (chunk: Uint8Array) => Promise<void> | void) => Promise<void>,
): RangeQueue {
  return new RangeQueue(bytes, target.transfer.memory.acquire(bytes, target.signal), read);
}
