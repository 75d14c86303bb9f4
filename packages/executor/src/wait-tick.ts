import { dirname } from "node:path";
import type { ExecutorConfig, JournalLine, Logger } from "@skein/contract";
import { isMissingFile } from "./file-error.ts";
import type { WaitParts } from "./parts.ts";
import { lastProgress } from "./progress.ts";
import { readTail } from "./read-tail.ts";
import { realPathWithin } from "./real-path-within.ts";

/** Only the last line counts; a file that grows by a line each second for days is not read whole. */
const PROGRESS_TAIL_BYTES = 4096;

/**
 * An act between begin and finish: sends the user's progress if it is new (contract §10.4).
 *
 * @throws when it could not be sent; the next tick or finish will try again
 */
export async function runWaitTick(parts: WaitParts): Promise<void> {
  await sendProgress(parts, await parts.journal.read(), () => parts.createReporter({ created: true }));
}

export async function sendProgress(
  { config, journal, log }: Pick<WaitParts, "config" | "journal" | "log">,
  lines: readonly JournalLine[],
  reporter: () => Promise<{ progress(value: string): Promise<void> }>,
): Promise<void> {
  const value = await readProgress(config, log);
  const sent = lines.findLast((line) => line.event === "progress")?.value;
  if (value === undefined || value === sent) return;
  await (await reporter()).progress(value);
  journal.append({ event: "progress", value });
}

/** The value to be sent; nothing when progress is not monitored, not written yet or malformed. */
async function readProgress(config: ExecutorConfig, log: Logger): Promise<string | undefined> {
  const { progressFile, progressPatchTickMs, progressFileTickMs } = config;
  if (progressFile === undefined || progressPatchTickMs <= 0 || progressFileTickMs <= 0) return undefined;
  const progress = lastProgress(await readText(progressFile));
  if (progress === undefined) return undefined;
  if (progress.valid) return progress.line;
  log.warn("unable to parse progress", { line: progress.line });
  return undefined;
}

async function readText(path: string): Promise<string> {
  try {
    // A malformed line is logged, so a link of the user's must not make it one of a secret's.
    const { bytes } = await readTail(await realPathWithin(path, dirname(path)), PROGRESS_TAIL_BYTES);
    return new TextDecoder().decode(bytes);
  } catch (error) {
    if (isMissingFile((error as Error).cause)) return "";
    throw error;
  }
}
