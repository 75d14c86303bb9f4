import { ArtifactError } from "@skein/contract";
import { type Abortable, abortableWithin } from "../abortable.ts";
import { checkIntegrity, checkParts, type Integrity, type PartsCheck, verified } from "../integrity.ts";
import { runConcurrently } from "../run-concurrently.ts";
import type { Transfer } from "../transfer.ts";
import { integrityOf, recordedFiles } from "./object-metadata.ts";
import type { ObjectBody, ObjectStore } from "./object-store.ts";
import { type Push, RangeQueue } from "./range-queue.ts";
import { RANGE_WRITER_BYTES, RangeWriter, SharedDisk, type WriteAt } from "./range-writer.ts";
import { lastByte, type RangeTarget, readRange } from "./read-range.ts";
import { TailHedge } from "./tail-hedge.ts";

export interface RangedReadOptions {
  /** Bytes per request. Default 8 MiB: a tenth of a second on one of S3's connections of about 90 MB/s. */
  rangeBytes: number;
  /** Ranges in flight at most. Default 8. With `rangeBytes` this bounds the memory one object takes. */
  maxStreams: number;
  /** A connection that delivers nothing for this long is left. Default 10 s. */
  stallTimeoutMs: number;
  /** So is one that delivers less than this for as long. Default 0. */
  minBytesPerSecond?: number;
}

export interface OpenedObject {
  sizeBytes: number;
  /** The whole object, in order; compared at its end with what the store knows of it. */
  stream: AsyncGenerator<Uint8Array>;
  /** Instead of the stream, for an object of several ranges whose content need not be looked at in order. */
  scatter?: (write: WriteAt) => Promise<void>;
  /** Files in the archive, when that was recorded. */
  files: number | undefined;
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
    minBytesPerSecond: options.minBytesPerSecond ?? 0,
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
  const { sizeBytes } = answer;
  const rest = { ...options, sizeBytes, nextByte: lastByte(answer, options.rangeBytes - 1) + 1 };
  const bytes = deliver(target, first, rest, siblings);
  try {
    const integrity = integrityOf(answer, key);
    const stream = integrity ? verified(bytes, checkIntegrity(integrity, key)) : bytes;
    const files = recordedFiles(answer);
    const isOneRange = rest.nextByte >= sizeBytes;
    if (isOneRange || (integrity && !isCutAlike(integrity, rest))) return { sizeBytes, stream, files };
    const check = integrity && checkParts(integrity, key);
    return {
      sizeBytes,
      stream,
      files,
      scatter: (write) => scatter(target, first, { ...rest, siblings, check }, write),
    };
  } catch (error) {
    await bytes.return(undefined);
    first.discard();
    siblings.abort(error);
    throw error;
  }
}

/** Whether the object was sent in parts that are just the ranges it is read in: then each can be compared by itself. */
function isCutAlike(
  { partBytes }: Integrity,
  { rangeBytes, sizeBytes }: { rangeBytes: number; sizeBytes: number },
): boolean {
  return partBytes?.(1) === rangeBytes && partBytes(Math.ceil(sizeBytes / rangeBytes)) === rangeBytes;
}

interface ScatterOptions extends RangedReadOptions {
  sizeBytes: number;
  nextByte: number;
  siblings: Abortable;
  check: PartsCheck | undefined;
}

/** The first range has begun already; the others come beside it, each straight to its place. */
async function scatter(
  target: RangeTarget,
  first: RangeQueue,
  { rangeBytes, maxStreams, sizeBytes, nextByte, siblings, check }: ScatterOptions,
  write: WriteAt,
): Promise<void> {
  const { transfer } = target;
  const disk = new SharedDisk(transfer.clock, () => transfer.openStreams);
  const placed = async (
    position: number,
    gathers: boolean,
    bring: (push: Push) => Promise<void>,
  ): Promise<void> => {
    const writer = new RangeWriter(position, write, { disk, gathers });
    const number = Math.floor(position / rangeBytes) + 1;
    try {
      await bring((chunk) => {
        check?.update(number, chunk);
        return writer.push(chunk);
      });
      await writer.finish();
    } finally {
      await writer.settle();
    }
  };
  // It holds memory already. Whoever waits for more while others do the same may wait for ever.
  const begun = (): Promise<void> =>
    placed(0, false, async (push) => {
      for await (const chunk of first) await push(chunk);
    });
  using tail = new TailHedge();
  const rest = function* (): Generator<{ first: number; last: number }> {
    for (let from = nextByte; from < sizeBytes; from += rangeBytes) {
      yield { first: from, last: Math.min(from + rangeBytes, sizeBytes) - 1 };
    }
    tail.watchTail();
  };
  const limits = { limit: Math.max(1, maxStreams - 1), signal: target.signal };
  const others = runConcurrently(rest(), limits, async (range, own) => {
    const memory = await transfer.memory.acquire(RANGE_WRITER_BYTES, own);
    const { hedge, end } = tail.begin();
    try {
      await placed(range.first, true, (push) =>
        readRange({ ...target, signal: own }, { ...range, push, hedge }),
      );
    } finally {
      end();
      memory.release();
    }
  });
  const beginning = begun();
  try {
    await Promise.all([beginning, others]);
    check?.verify();
  } catch (error) {
    siblings.abort(error);
    first.discard();
    await Promise.allSettled([first.ended, beginning, others]);
    throw error;
  } finally {
    siblings[Symbol.dispose]();
  }
}

async function* deliver(
  target: RangeTarget,
  first: RangeQueue,
  options: RangedReadOptions & { sizeBytes: number; nextByte: number },
  siblings: Abortable,
): AsyncGenerator<Uint8Array> {
  const { rangeBytes, maxStreams, sizeBytes } = options;
  const ahead = [first];
  using tail = new TailHedge();
  let { nextByte } = options;
  let window = Math.min(CALM_STREAMS, maxStreams);
  try {
    for (;;) {
      while (ahead.length < window && nextByte < sizeBytes) {
        const range = { first: nextByte, last: Math.min(nextByte + rangeBytes, sizeBytes) - 1 };
        ahead.push(startRange(target, range, tail, window > CALM_STREAMS ? rangeBytes : CALM_BYTES));
        nextByte = range.last + 1;
      }
      if (nextByte >= sizeBytes) tail.watchTail();
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
    for (const range of ahead) range.discard();
    await Promise.allSettled(ahead.map((range) => range.ended)); // nothing of ours runs any more
  }
}

/** Memory first, in the order of the ranges: the one the consumer waits for never queues behind a later one. */
function startRange(
  target: RangeTarget,
  range: { first: number; last: number },
  tail: TailHedge,
  runAheadBytes: number,
): RangeQueue {
  const lengthBytes = range.last - range.first + 1;
  const maxBytes = Math.min(lengthBytes, runAheadBytes);
  const queue: RangeQueue = new RangeQueue({
    maxBytes,
    memory: target.transfer.memory.acquire(maxBytes, target.signal),
    read: (_reservation, push) => {
      const { hedge, end } = tail.begin(() => queue.isHeldUp);
      return readRange(target, { ...range, push, hedge }).finally(end);
    },
    inOnePiece: maxBytes === lengthBytes,
  });
  return queue;
}

function givenUp(key: string): ArtifactError {
  return new ArtifactError(`reading ${key} was given up`, { code: "transfer.aborted" });
}
