import { errorLine } from "./journal-file.ts";
import type { WaitParts } from "./parts.ts";

/**
 * First act of `wait`: creates the task result, whose label says that outputs are still to come (contract §8.2
 * step 3). Harmless when it exists already.
 *
 * @throws what kept it from being created, after writing it into the journal: `finish` goes on from there
 */
export async function runWaitBegin(parts: WaitParts): Promise<void> {
  const { journal, now, signal } = parts;
  try {
    const reporter = await parts.createReporter({ created: false });
    await reporter.initialize();
  } catch (error) {
    // Told to stop: finish will create what it cannot find. That is no error.
    if (signal.aborted) return;
    journal.append(errorLine(error, now()));
    throw error;
  }
}
