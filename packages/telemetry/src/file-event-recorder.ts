import { errorMessage } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import { errorType } from "./error-attributes.ts";
import { EVENT } from "./event-names.ts";
import type { TraceLevel } from "./trace-level.ts";
import type { Span } from "./tracing.ts";

/** How many files of one artifact get an event of their own, besides the ones that failed. */
export interface EventBudget {
  first: number;
  slowest: number;
}

const BUDGETS: Readonly<Record<TraceLevel, EventBudget>> = {
  off: { first: 0, slowest: 0 },
  phases: { first: 0, slowest: 0 },
  artifacts: { first: 32, slowest: 32 },
  files: { first: 512, slowest: 512 },
};

/** Failed files are all listed, as far as a span can hold them: {@link MAX_EVENTS_PER_SPAN}. */
const MAX_FAILED = 8_192;

/**
 * The SDK keeps 128 events per span and drops the oldest beyond. This is above what the budgets let through, so
 * nothing is dropped behind our back.
 */
export const MAX_EVENTS_PER_SPAN = 16_384;

/** One file, or one object of a directory, that was moved or failed to be. */
export interface FileRecord {
  /** Path within the artifact, or the tail of the object's key. */
  file: string;
  sizeBytes: number;
  durationMs: number;
  /** Unpacked bytes of the artifact that had been moved before this file. */
  offsetBytes?: number;
  error?: unknown;
}

export interface FileEventRecorderOptions {
  span: Span;
  direction: "load" | "save";
  level: TraceLevel;
  /** Reads the clock the events are stamped with: ms as of `performance.now()`. */
  now?: () => number;
}

export interface FileEventRecorder {
  /** To be called when the file has ended. Cheap enough for every file of a hundred thousand. */
  record(file: FileRecord): void;
  /** Puts the chosen events on the span, and the number of files that are not among them. */
  finish(): void;
}

interface Candidate {
  record: FileRecord;
  endedAtMs: number;
}

/**
 * Chooses which files of an artifact get an event: the first, the slowest, every failed one. Which these are is
 * known at the end only, so the events are put on the span by `finish`, in the order of time.
 */
export function createFileEventRecorder(options: FileEventRecorderOptions): FileEventRecorder {
  const { span, direction, level, now = () => performance.now() } = options;
  const budget = BUDGETS[level];
  const listed: Candidate[] = [];
  const slowest: Candidate[] = [];
  let seen = 0;
  let first = 0;
  let failed = 0;
  return {
    record(record) {
      if (!span.isRecording) return;
      seen += 1;
      if (budget.first === 0) return;
      const candidate = { record, endedAtMs: now() };
      if (record.error !== undefined) {
        if (failed < MAX_FAILED) listed.push(candidate);
        failed += 1;
      } else if (first < budget.first) {
        first += 1;
        listed.push(candidate);
      } else {
        keepSlowest(slowest, candidate, budget.slowest);
      }
    },
    finish() {
      const chosen = [...listed, ...slowest].sort((a, b) => a.endedAtMs - b.endedAtMs);
      const name = direction === "load" ? EVENT.downloadFile : EVENT.uploadFile;
      for (const { record, endedAtMs } of chosen) span.addEvent(name, fileAttributes(record), endedAtMs);
      if (seen > chosen.length) span.setAttribute(ATTR.artifactFilesUnlisted, seen - chosen.length);
    },
  };
}

/** Keeps the list sorted, fastest first, and no longer than `limit`. Most files are faster than all in it. */
function keepSlowest(slowest: Candidate[], candidate: Candidate, limit: number): void {
  const { durationMs } = candidate.record;
  const fastest = slowest[0];
  if (slowest.length >= limit && fastest && durationMs <= fastest.record.durationMs) return;
  let low = 0;
  let high = slowest.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((slowest[middle]?.record.durationMs ?? 0) < durationMs) low = middle + 1;
    else high = middle;
  }
  slowest.splice(low, 0, candidate);
  if (slowest.length > limit) slowest.shift();
}

function fileAttributes(record: FileRecord): Record<string, string | number | undefined> {
  const { error } = record;
  return {
    [ATTR.file]: record.file,
    [ATTR.fileSize]: record.sizeBytes,
    [ATTR.fileDuration]: record.durationMs / 1000,
    [ATTR.fileOffset]: record.offsetBytes,
    [ATTR.errorType]: error === undefined ? undefined : errorType(error),
    [ATTR.errorMessage]: error === undefined ? undefined : errorMessage(error),
  };
}
