import { setTimeout as delay } from "node:timers/promises";
import type { JournalLine, Logger, Outputs } from "@skein/contract";
import { ownLife } from "./journal-file.ts";

/** No more often than this, and no later than after a quarter of the grace period. */
const MAX_INTERVAL_MS = 5_000;

export interface EarlyReportOptions {
  readJournal: () => Promise<JournalLine[]>;
  gracePeriodMs: number;
  /** What there is by now. */
  collected: () => Outputs;
  /** Reports it, once: what fails now will be reported in the end. */
  report: (outputs: Outputs) => Promise<void>;
  log: Logger;
}

/**
 * While outputs are being saved and this container has been told to stop, reports every now and then what there is by
 * now. The signal may be the controller's, which tells every container when main has ended, and then there is time for
 * the largest upload; or the kubelet's, whose SIGKILL comes with the end of the grace period. What is saved by then is
 * to be known by then, and a pod that saves quickly is to cost no more than one report.
 *
 * @returns ends it; resolves when no report is under way any more, so that none comes after the last one
 */
export function reportEarly(options: EarlyReportOptions): () => Promise<void> {
  const stop = new AbortController();
  const running = repeat(options, stop.signal);
  return () => {
    stop.abort();
    return running;
  };
}

async function repeat(options: EarlyReportOptions, signal: AbortSignal): Promise<void> {
  const { readJournal, gracePeriodMs, collected, report, log } = options;
  const intervalMs = Math.min(gracePeriodMs / 4, MAX_INTERVAL_MS);
  let reported = "{}";
  while (await passes(intervalMs, signal)) {
    try {
      const outputs = collected();
      const text = JSON.stringify(outputs);
      if (text === reported || !wasToldToStop(await readJournal()) || signal.aborted) continue;
      await report(outputs);
      reported = text;
    } catch (error) {
      log.warn("failed to report what is saved so far", { error: error as Error });
    }
  }
}

/** The time, unless the signal comes first. */
async function passes(ms: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(ms, undefined, { signal });
    return true;
  } catch {
    return false;
  }
}

function wasToldToStop(lines: readonly JournalLine[]): boolean {
  return ownLife(lines).some(
    (line) => line.event === "signal" && (line.signal === "SIGTERM" || line.signal === "SIGINT"),
  );
}
