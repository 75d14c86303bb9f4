import { abortableWithin } from "../abortable.ts";
import type { Transfer } from "../transfer.ts";
import { type StallOptions, watchStalls, withinStallTime } from "../watch-stalls.ts";
import type { GetOptions, ObjectBody, ObjectStore } from "./object-store.ts";

export interface ReadTarget {
  store: ObjectStore;
  key: string;
  transfer: Transfer;
  signal: AbortSignal;
  /** A connection that delivers nothing for this long is left. */
  stallTimeoutMs: number;
  /** So is one that delivers less than this for as long. */
  minBytesPerSecond: number;
}

/** One GET to the end of its body, counted and watched for stalls. Never retries. */
export async function readOnce(
  { store, key, transfer, signal, stallTimeoutMs, minBytesPerSecond }: ReadTarget,
  what: Omit<GetOptions, "signal">,
  to: { onAnswer: (answer: ObjectBody) => void; onBytes: (chunk: Uint8Array) => Promise<void> | void },
): Promise<void> {
  using attempt = abortableWithin(signal);
  const stall: StallOptions = {
    timeoutMs: stallTimeoutMs,
    minBytesPerSecond,
    what: `the connection that carries ${key}`,
    abort: attempt.abort,
    onStall: (ms) => {
      transfer.tally.stalledMs += ms;
    },
  };
  const answer = await transfer.firstByte(() =>
    withinStallTime(() => store.get(key, { signal: attempt.signal, ...what }), stall),
  );
  try {
    to.onAnswer(answer);
  } catch (error) {
    attempt.abort(error); // nobody is going to read the body
    throw error;
  }
  await transfer.clock.during("network", async () => {
    for await (const chunk of watchStalls(answer.body, stall)) {
      const taken = to.onBytes(chunk);
      if (taken) await taken;
    }
  });
}
