import type { TransferEngine } from "@skein/artifacts";
import { hasOutputs, type JournalLine, MAIN_CONTAINER } from "@skein/contract";
import type { TaskResultReporter } from "@skein/kubernetes";
import { CollectedOutputs } from "./collected-outputs.ts";
import { saveContainerLogs } from "./container-logs.ts";
import { reportEarly } from "./early-report.ts";
import { createJournal, ownLife } from "./journal-file.ts";
import { saveOutputArtifacts } from "./output-artifacts.ts";
import { readOutputParameters } from "./output-parameters.ts";
import type { TransferParts, WaitParts } from "./parts.ts";
import { emitPodSpans } from "./pod-spans.ts";
import { realPathWithin } from "./real-path-within.ts";
import { joinErrors, RecordedErrors } from "./recorded-errors.ts";
import { readScriptResult } from "./script-result.ts";
import { sendProgress } from "./wait-tick.ts";

export type FinishParts = WaitParts & TransferParts;

export interface FinishOutcome {
  /** The first error that was recorded in any act: the container fails with it. */
  error: Error | undefined;
  /** What the termination log is to say; also set when only the last step failed, which is no failure (contract §8.2). */
  message: string | undefined;
}

/**
 * Last act of `wait` (contract §8.2 steps 4–11): collects what main left, saves and reports it. Every step is
 * attempted, whatever happened to the others; outputs are reported even if one could not be saved. Running it again
 * does no harm and reports the same.
 */
export async function runWaitFinish(parts: FinishParts): Promise<FinishOutcome> {
  const { log } = parts;
  const lines = await parts.journal.read();
  const errors = new RecordedErrors(log);
  recallErrors(lines, errors);
  const created = errors.first === undefined;

  const reporter = lazily(() => parts.createReporter({ created }));
  const collected = new CollectedOutputs();
  const endEarlyReports = reportEarly({
    readJournal: () => parts.journal.read(),
    gracePeriodMs: parts.config.terminationGracePeriodMs,
    collected: () => collected.outputs(),
    report: async (outputs) => (await reporter()).reportOnce(outputs),
    log,
  });
  await collectOutputs(parts, errors, { hasStarted: await hasStarted(parts, lines), collected });
  await endEarlyReports();
  // Progress is a courtesy: that it could not be told is no reason to fail.
  await sendProgress(parts, lines, reporter).catch((error: unknown) => {
    log.warn("failed to report progress", { error: error as Error });
  });
  await errors.attempt(async () => (await reporter()).report(collected.outputs()), undefined);

  const { first: error } = errors;
  await errors.attempt(async () => (await reporter()).finalize(), undefined);
  await emitPodSpans(parts, error);
  return { error, message: errors.first?.message };
}

/**
 * Without inputs, the containers of an init-less pod were never started: there is nothing to collect but logs. That goes
 * for main, too, when it could not put its inputs in place. It says why, and the controller shows that unless the
 * supervisor fails (contract §1.8), as it would for want of outputs.
 */
async function hasStarted(
  { config, log, paths }: FinishParts,
  lines: readonly JournalLine[],
): Promise<boolean> {
  const isReady = (some: readonly JournalLine[]): boolean =>
    some.findLast((line) => line.event === "pre_main")?.ready ?? true;
  if (!isReady(lines)) return false;
  if (!config.initless) return true;
  const ofMain = await createJournal(paths.journal(MAIN_CONTAINER)).read();
  if (isReady(ownLife(ofMain))) return true;
  log.warn("main was not started, so there are no outputs; its own message says why");
  return false;
}

/**
 * What begin and the front recorded comes first: it happened first. What failed before this container was started again
 * is done again, and is no failure any more.
 */
function recallErrors(lines: readonly JournalLine[], errors: RecordedErrors): void {
  for (const line of ownLife(lines)) if (line.event === "error") errors.recall(line);
}

/** All steps at once, because they wait for different things; their errors in upstream's order. */
async function collectOutputs(
  parts: FinishParts,
  errors: RecordedErrors,
  { hasStarted, collected }: { hasStarted: boolean; collected: CollectedOutputs },
): Promise<void> {
  const { config, log, paths, template } = parts;
  // Told to stop, wait still saves what there is (contract §8.1): nothing aborts this engine.
  const engine = lazily(() => parts.createEngine({ signal: new AbortController().signal }));
  const whenStarted = <T>(collect: () => Promise<T>): Promise<T> | undefined =>
    hasStarted ? collect() : undefined;
  const options = { paths, initless: config.initless, log };
  const [result, parameters, artifacts, logs] = await Promise.all([
    whenStarted(async () => {
      const outcome = await captureScriptResult(parts);
      collected.result = outcome.text;
      return outcome;
    }),
    whenStarted(async () => {
      const outcome = await readOutputParameters(template, options);
      collected.parameters = outcome.parameters;
      return outcome;
    }),
    whenStarted(() => saveOutputArtifacts(parts, engine, collected.artifactSaved)),
    saveContainerLogs(parts, engine, collected.logSaved),
  ]);
  const failures = [result?.error, parameters?.error, joinErrors(artifacts?.errors ?? []), ...logs.errors];
  for (const error of failures) if (error) errors.record(error);
}

interface ScriptResult {
  text?: string | undefined;
  error?: Error;
}

async function captureScriptResult(parts: FinishParts): Promise<ScriptResult> {
  const { config, log, paths, template, tracing } = parts;
  try {
    const text = await tracing.withSpan("captureScriptResult", {}, async () => {
      if (!config.includeScriptOutput) return undefined;
      if (!hasOutputs(template)) {
        log.info("No output capability, the script result is not captured");
        return undefined;
      }
      const path = paths.stdout("main");
      const result = await readScriptResult(await realPathWithin(path, paths.shared));
      if (result.truncated) {
        log.warn("Output is larger than the maximum allowed size of 256 kB, only the last 256 kB were saved");
      }
      return result.text;
    });
    return { text };
  } catch (error) {
    return { error: error as Error };
  }
}

/** Makes the part when it is first asked for, and once. */
function lazily<T extends TransferEngine | TaskResultReporter>(create: () => Promise<T>): () => Promise<T> {
  let part: Promise<T> | undefined;
  return () => {
    part ??= create();
    return part;
  };
}
