import {
  type Artifact,
  ArtifactError,
  errorMessage,
  isNotFound,
  type LogFields,
  type Logger,
} from "@skein/contract";
import {
  ATTR,
  type Attributes,
  createFileEventRecorder,
  EVENT,
  stageTimeKey,
  type Tracing,
} from "@skein/telemetry";
import type { ArtifactDriver } from "./driver.ts";
import type { PartMemory } from "./part-memory.ts";
import type { Semaphore } from "./semaphore.ts";
import type { TransferSettings } from "./settings.ts";
import { STAGE_NAMES, StageClock, totalSeconds } from "./stage-clock.ts";
import { summaryLine } from "./summary-line.ts";
import { Transfer } from "./transfer.ts";
import type { TransferReport } from "./transfer-report.ts";
import { judge } from "./verdict.ts";

export interface TransferSubject {
  direction: "load" | "save";
  artifact: Artifact;
  /** Of the span, besides those every transfer has. */
  attributes: Attributes;
}

export interface ObserverParts {
  tracing: Tracing;
  log: Logger;
  signal: AbortSignal;
  settings: TransferSettings;
  limits: { memory: Semaphore; parts: PartMemory; requests: Semaphore };
  now?: () => number;
}

/** What only the work itself knows in the end. */
export interface TransferOutcome {
  archive: "none" | "tar" | "zip";
  digest?: string;
}

/**
 * Runs a transfer in its span: attributes, events of files and retries, the stage times and the verdict, and one
 * line in the log. `describe` is to be called with the driver once it is chosen; it gives it back.
 */
export function observeTransfer(
  { direction, artifact, attributes }: TransferSubject,
  parts: ObserverParts,
  work: (
    transfer: Transfer,
    describe: (driver: ArtifactDriver) => ArtifactDriver,
  ) => Promise<TransferOutcome>,
): Promise<TransferReport> {
  const { tracing, log, settings, limits, now } = parts;
  const spanName = direction === "load" ? "loadArtifact" : "saveArtifact";
  const ofAll = { [ATTR.artifactName]: artifact.name, ...attributes };
  // What is optional and not there is an error to the caller, who skips it, and no failure in the trace.
  let absent: unknown;
  const clock = new StageClock(now); // not a moment later than the span
  const observed = tracing.withSpan(spanName, { attributes: ofAll }, async (span) => {
    const files = createFileEventRecorder({ span, direction, level: tracing.level, ...(now && { now }) });
    const over = new AbortController();
    const transfer = new Transfer({
      ...limits,
      signal: AbortSignal.any([parts.signal, over.signal]),
      policy: settings.retry,
      clock,
      ...(now && { now }),
      onFile: (file) => files.record(file),
      onAttributes: (learnt) => span.setAttributes(learnt),
      onEvent: (name, happened, atMs) => span.addEvent(name, happened, atMs),
      onWarning: (message) => log.warn(message, { name: artifact.name }),
      onRetry: ({ code, delayMs, attempt, error }) => {
        span.addEvent(EVENT.retry, {
          [ATTR.errorType]: code,
          [ATTR.retryDelay]: delayMs / 1000,
          [ATTR.retryAttempt]: attempt,
        });
        log.info("Trying again", { name: artifact.name, attempt, error: errorMessage(error) });
      },
    });
    let driver: ArtifactDriver | undefined;
    let outcome: TransferOutcome | undefined;
    let report: TransferReport;
    try {
      outcome = await work(transfer, (chosen) => {
        driver = chosen;
        span.setAttributes(driverAttributes(chosen));
        return chosen;
      });
    } catch (error) {
      if (!artifact.optional || !isNotFound(error)) throw error;
      absent = error;
    } finally {
      // Whatever a failed transfer left running ends here.
      over.abort(new ArtifactError("the transfer is over", { code: "transfer.aborted" }));
      files.finish();
      // One block more than there are threads is in the works, so that none of them waits for the next.
      const cores = Math.max(1, settings.compressBlocks - 1);
      report = reportOf({ direction, artifact, driver, outcome, cores }, transfer);
      span.setAttributes({
        ...reportAttributes(report, transfer.tally.streams, outcome),
        [ATTR.artifactCores]: report.stages.compress > 0 ? cores : undefined,
      });
    }
    if (absent !== undefined) {
      span.setAttribute(ATTR.artifactVerdict, "optional, and not there");
      return report;
    }
    log.info(summaryLine(direction, report), logFields(report));
    return report;
  });
  return observed.then((report) => {
    if (absent !== undefined) throw absent;
    return report;
  });
}

function driverAttributes({ name, key, attributes }: ArtifactDriver): Attributes {
  return { [ATTR.artifactDriver]: name, [ATTR.artifactKey]: key, ...attributes };
}

function reportOf(
  subject: {
    direction: "load" | "save";
    artifact: Artifact;
    driver: ArtifactDriver | undefined;
    outcome: TransferOutcome | undefined;
    cores: number;
  },
  { clock, tally }: Transfer,
): TransferReport {
  const { direction, artifact, driver, outcome, cores } = subject;
  const { bytes, unpackedBytes, files, retries } = tally;
  const stages = clock.read();
  const { boundBy, text } = judge(stages, {
    ...{ direction, bytes, unpackedBytes, files, retries, cores },
    requestPerFile: outcome?.archive === "none" && driver?.name !== "git",
    streams: tally.streams,
    throttledSeconds: tally.throttledMs / 1000,
    stalledSeconds: tally.stalledMs / 1000,
    ...(tally.firstByteMs !== undefined && { firstByteSeconds: tally.firstByteMs / 1000 }),
  });
  return {
    name: artifact.name,
    driver: driver?.name ?? "",
    ...(driver?.key !== undefined && { key: driver.key }),
    ...{ bytes, unpackedBytes, files, retries, stages, boundBy },
    seconds: totalSeconds(stages),
    verdict: text,
    ...(outcome?.digest !== undefined && { digest: outcome.digest }),
  };
}

function reportAttributes(
  report: TransferReport,
  streams: number,
  outcome: TransferOutcome | undefined,
): Attributes {
  return {
    [ATTR.artifactArchive]: outcome?.archive,
    [ATTR.artifactBytes]: report.bytes,
    [ATTR.artifactUnpackedBytes]: report.unpackedBytes,
    [ATTR.artifactFiles]: report.files,
    [ATTR.artifactStreams]: streams,
    [ATTR.artifactRetries]: report.retries,
    [ATTR.artifactBoundBy]: report.boundBy,
    [ATTR.artifactVerdict]: report.verdict,
    [ATTR.artifactDigest]: report.digest,
    // A stage that took no time is left out: exporters would send its 0 as an integer, among doubles.
    ...Object.fromEntries(
      STAGE_NAMES.filter((stage) => report.stages[stage] > 0).map((stage) => [
        stageTimeKey(stage),
        report.stages[stage],
      ]),
    ),
  };
}

function logFields({ name, key, bytes, files, seconds, boundBy }: TransferReport): LogFields {
  return { name, key: key ?? "", bytes, files, seconds: Math.round(seconds * 1000) / 1000, boundBy };
}
