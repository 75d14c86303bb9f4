import { abortableWithin } from "../abortable.ts";
import type { PartBuffer } from "../part-memory.ts";
import { createRetrier, type RetryPolicy, retry } from "../retry.ts";
import type { Transfer } from "../transfer.ts";
import { type StallOptions, whileSending } from "../watch-stalls.ts";
import { completeUpload } from "./complete-upload.ts";
import { cutParts, MIN_PART_BYTES, type Part, partSize } from "./cut-parts.ts";
import { metadataOfParts, metadataOfWhole } from "./object-metadata.ts";
import type { ObjectStore, OnSent, UploadedPart } from "./object-store.ts";

/** What an upload needs of a store. */
export type UploadTarget = Pick<
  ObjectStore,
  "put" | "createUpload" | "uploadPart" | "completeUpload" | "abortUpload" | "head"
>;

export interface UploadOptions {
  contentType: string;
  /** Size of the first parts. Default 8 MiB, at least 5. What fits into one is sent in a single request. */
  partBytes: number;
  /** Parts of one object in flight at most. Default 4. */
  partsInFlight: number;
  /** A connection that takes nothing for this long is left. Default 10 s. */
  stallTimeoutMs: number;
  /** Length of the whole, when it is known. */
  sizeBytes?: number;
  /** Files in an archive; asked when its last byte has been made. */
  files?: () => number;
}

/** Sent without any machinery: with thousands of files, what each costs counts. */
const SMALL_OBJECT_BYTES = 256 * 1024;

const ABORT_POLICY: RetryPolicy = { baseDelayMs: 200, factor: 2, maxDelayMs: 1000, budgetMs: 5000 };

export function checkPartBytes(partBytes: number): void {
  if (!(partBytes >= MIN_PART_BYTES)) {
    throw new RangeError(`partBytes must be at least ${MIN_PART_BYTES}, got ${partBytes}`);
  }
}

/**
 * Sends a stream as one object without staging it. Nothing is visible under the key before everything has arrived,
 * and nothing stays behind when it does not.
 *
 * @param source its chunks are copied, each before the next one is asked for, unless `sizeBytes` says that it is small
 */
export async function uploadObject(
  store: UploadTarget,
  key: string,
  source: AsyncIterable<Uint8Array>,
  transfer: Transfer,
  options: UploadOptions,
): Promise<void> {
  const { sizeBytes } = options;
  if (sizeBytes !== undefined && sizeBytes <= SMALL_OBJECT_BYTES) {
    const body = await collect(source);
    return putWhole(store, key, body, transfer, options);
  }
  const room = new PartBuffers(transfer, sizeBytes);
  const sizeOf = (number: number): number => partSize(number, options.partBytes, sizeBytes);
  const chunks = source[Symbol.asyncIterator]();
  const parts = cutParts(chunks, sizeOf, (bytes) => room.take(bytes));
  try {
    const first = await parts.next();
    if (first.done) return;
    if (first.value.last) {
      await putWhole(store, key, first.value.body, transfer, options);
      room.giveBack(first.value.body);
    } else await uploadInParts(store, key, { first: first.value, rest: parts, room }, transfer, options);
  } finally {
    await parts.return(undefined);
    await chunks.return?.(); // parts that nobody asked for never began to read
    room.giveUp();
  }
}

async function collect(source: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of source) chunks.push(chunk);
  return chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
}

async function putWhole(
  store: UploadTarget,
  key: string,
  body: Uint8Array,
  transfer: Transfer,
  { contentType, files, stallTimeoutMs }: UploadOptions,
): Promise<void> {
  const { signal: giveUp } = transfer;
  const metadata = metadataOfWhole(body, files?.());
  await send({ key, transfer, giveUp, stallTimeoutMs }, (attempt) =>
    store.put(key, body, { ...attempt, contentType, metadata }),
  );
  transfer.tally.bytes += body.byteLength;
}

interface PartSource {
  first: Part;
  rest: AsyncIterable<Part>;
  room: PartBuffers;
}

async function uploadInParts(
  store: UploadTarget,
  key: string,
  { first, rest, room }: PartSource,
  transfer: Transfer,
  { contentType, partBytes, partsInFlight, sizeBytes, stallTimeoutMs }: UploadOptions,
): Promise<void> {
  const failure = new AbortController();
  // Ends waits and keeps further parts from starting. Parts on the wire are left to end by themselves: one that is
  // cut off may still be stored after the upload was aborted, and would stay.
  const giveUp = AbortSignal.any([transfer.signal, failure.signal]);
  const { signal } = transfer;
  const metadata = metadataOfParts(partBytes, sizeBytes);
  const create = (): Promise<string> => store.createUpload(key, { signal, contentType, metadata });
  const uploadId = await transfer.retry(() =>
    transfer.requests.use(() => transfer.firstByte(create), signal),
  );
  const uploaded: UploadedPart[] = [];
  let sentBytes = 0;
  const inFlight = new Set<Promise<void>>();
  const upload = async ({ number, body }: Part): Promise<void> => {
    const part = await send({ key, transfer, giveUp, stallTimeoutMs }, (attempt) =>
      store.uploadPart(key, uploadId, { number, body }, attempt),
    );
    uploaded.push(part);
    sentBytes += body.byteLength;
    transfer.tally.bytes += body.byteLength;
    room.giveBack(body);
  };
  const begin = async (part: Part): Promise<void> => {
    const task: Promise<void> = upload(part)
      .catch((reason: unknown) => failure.abort(reason))
      .finally(() => inFlight.delete(task));
    inFlight.add(task);
    if (inFlight.size >= partsInFlight) await Promise.race(inFlight);
    giveUp.throwIfAborted();
  };
  try {
    await begin(first);
    for await (const part of rest) await begin(part);
    await Promise.all(inFlight);
    giveUp.throwIfAborted();
    uploaded.sort((a, b) => a.number - b.number);
    await completeUpload(store, { key, uploadId, parts: uploaded, sizeBytes: sentBytes }, transfer);
  } catch (reason) {
    failure.abort(reason);
    await Promise.all(inFlight); // nothing of ours runs after we have thrown
    await transfer.abandon(() => abortUpload(store, key, uploadId), `the parts of ${key}`);
    throw reason;
  }
}

/** Parts that stay are paid for by the month, so a store that is busy is asked again; but the container has to end. */
function abortUpload(store: UploadTarget, key: string, uploadId: string): Promise<void> {
  const signal = AbortSignal.timeout(ABORT_POLICY.budgetMs);
  return retry(createRetrier(ABORT_POLICY, { signal }), () => store.abortUpload(key, uploadId));
}

interface Sending {
  key: string;
  transfer: Transfer;
  giveUp: AbortSignal;
  stallTimeoutMs: number;
}

/** One request that carries bytes, repeated as often as the policy and `giveUp` allow. */
function send<T>(
  { key, transfer, giveUp, stallTimeoutMs }: Sending,
  request: (attempt: { signal: AbortSignal; onSent: OnSent }) => Promise<T>,
): Promise<T> {
  const attempt = async (): Promise<T> => {
    using own = abortableWithin(transfer.signal);
    const stall: StallOptions = {
      timeoutMs: stallTimeoutMs,
      what: `the connection that takes ${key}`,
      abort: own.abort,
      onStall: (ms) => {
        transfer.tally.stalledMs += ms;
      },
    };
    return await whileSending((onSent) => request({ signal: own.signal, onSent }), stall);
  };
  return transfer.retry(
    () =>
      transfer.requests.use(() => transfer.stream(() => transfer.clock.during("network", attempt)), giveUp),
    giveUp,
  );
}

/** The buffers of one object's parts. */
class PartBuffers {
  readonly #transfer: Transfer;
  readonly #sizeBytes: number | undefined;
  readonly #lent = new Map<ArrayBufferLike, PartBuffer>();

  constructor(transfer: Transfer, sizeBytes: number | undefined) {
    this.#transfer = transfer;
    this.#sizeBytes = sizeBytes;
  }

  async take(partBytes: number): Promise<Uint8Array> {
    const bytes = Math.min(partBytes, this.#sizeBytes ?? partBytes);
    const buffer = await this.#transfer.parts.take(bytes, this.#transfer.signal);
    this.#lent.set(buffer.bytes.buffer, buffer);
    return buffer.bytes;
  }

  /** After the store has said that it has the part: so nobody reads the buffer any more. */
  giveBack(part: Uint8Array): void {
    this.#lent.get(part.buffer)?.release(true);
    this.#lent.delete(part.buffer);
  }

  /** After a failure a socket may still hold on to what it was given. */
  giveUp(): void {
    for (const buffer of this.#lent.values()) buffer.release(false);
    this.#lent.clear();
  }
}
