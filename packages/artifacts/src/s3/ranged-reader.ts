import { ArtifactError } from "@skein/contract";
import { type Abortable, abortableWithin } from "../abortable.ts";
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

/** How far a connection may run ahead of a consumer that keeps up with it. */
const CALM_BYTES = 1024 * 1024;
/** Two, so that the next range's first byte is there when the one before it ends. */
const CALM_STREAMS = 2;
/** A consumer that waits for more than this share of its time wants more connections … */
const STARVED = 0.2;
/** … and one that waits for less than this has too many. */
const SATED = 0.05;

/**
 * Reads an object over several connections and delivers it in order. The first range tells the size, so there is
 * no HEAD. Ranges after it carry `If-Match`, so that two versions of an object are never mixed.
 *
 * It begins calmly, with two connections that run little ahead. While the consumer spends its time waiting, their
 * number doubles up to `maxStreams`, and each may bring its whole range; when it does not wait any more, they become
 * fewer again. So a consumer that is slower than the network, as unpacking mostly is, pays neither memory nor the
 * collector's time for bytes it cannot use yet.
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
  const siblings = abortableWithin(transfer.signal);
  const target: RangeTarget = {
    store,
    key,
    transfer,
    signal: siblings.signal,
    stallTimeoutMs: options.stallTimeoutMs,
    etag: undefined,
  };
  const answered = Promise.withResolvers<ObjectBody>();
  const calmBytes = Math.min(CALM_BYTES, options.rangeBytes);
  const first = new RangeQueue({
    maxBytes: calmBytes,
    memory: transfer.memory.acquire(calmBytes, target.signal),
    read: (reservation, push) =>
      readRange(target, {
        first: 0,
        last: options.rangeBytes - 1,
        push,
        onAnswer: (answer) => {
          reservation.shrinkTo(answer.lengthBytes);
          answered.resolve(answer);
        },
      }),
  });
  first.ended.catch((error: unknown) => {
    siblings[Symbol.dispose]();
    answered.reject(error);
  });
  const answer = await answered.promise;
  const { sizeBytes, etag } = answer;
  const rest = { ...options, sizeBytes, nextByte: lastByte(answer, options.rangeBytes - 1) + 1 };
  return { sizeBytes, etag, stream: deliver(target, first, rest, siblings) };
}

async function* deliver(
  target: RangeTarget,
  first: RangeQueue,
  options: RangedReadOptions & { sizeBytes: number; nextByte: number },
  siblings: Abortable,
): AsyncGenerator<Uint8Array> {
  const { rangeBytes, maxStreams, sizeBytes } = options;
  const ahead = [first];
  let { nextByte } = options;
  let window = Math.min(CALM_STREAMS, maxStreams);
  try {
    for (;;) {
      while (ahead.length < window && nextByte < sizeBytes) {
        const range = { first: nextByte, last: Math.min(nextByte + rangeBytes, sizeBytes) - 1 };
        ahead.push(startRange(target, range, window > CALM_STREAMS ? rangeBytes : CALM_BYTES));
        nextByte = range.last + 1;
      }
      const [head] = ahead;
      if (!head) return;
      const sinceMs = performance.now();
      yield* head;
      ahead.shift();
      const waited = head.waitedMs / (performance.now() - sinceMs);
      if (waited > STARVED) window = Math.min(maxStreams, window * 2);
      else if (waited < SATED) window = Math.max(Math.min(CALM_STREAMS, maxStreams), window - 1);
    }
  } finally {
    if (ahead.length > 0) siblings.abort(givenUp(target.key));
    siblings[Symbol.dispose]();
    await Promise.allSettled(ahead.map((range) => range.ended)); // nothing of ours runs any more
    for (const range of ahead) range.discard();
  }
}

/** Memory first, in the order of the ranges: the one the consumer waits for never queues behind a later one. */
function startRange(
  target: RangeTarget,
  range: { first: number; last: number },
  runAheadBytes: number,
): RangeQueue {
  const lengthBytes = range.last - range.first + 1;
  const maxBytes = Math.min(lengthBytes, runAheadBytes);
  return new RangeQueue({
    maxBytes,
    memory: target.transfer.memory.acquire(maxBytes, target.signal),
    read: (_reservation, push) => readRange(target, { ...range, push }),
    inOnePiece: maxBytes === lengthBytes,
  });
}

function givenUp(key: string): ArtifactError {
  return new ArtifactError(`reading ${key} was given up`, { code: "transfer.aborted" });
}
