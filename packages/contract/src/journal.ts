/**
 * The lines of `/var/run/argo/skein/journal/<container>.jsonl`, by which the front and the acts of the core tell
 * each other what happened. Times are Unix nanoseconds as decimal strings, as in OTLP's JSON.
 */
export type JournalLine =
  | StartLine
  | ProcessStartLine
  | ProcessEndLine
  | SignalLine
  | OutputLine
  | ErrorLine
  | EndLine
  | PreMainLine
  | ActStartLine
  | ActEndLine
  | WatchStartLine
  | WatchEndLine
  | DeadlineLine
  | KillLine
  | SpanLine
  | ProgressLine;

interface Timed {
  timeUnixNano: string;
}

/** The first line of a container's life. Its span id becomes that of `runMainContainer` or `runWaitContainer`. */
export interface StartLine extends Timed {
  event: "start";
  role: "emissary" | "wait" | "supervisor";
  traceparent: string;
  /** 16 hex digits, or empty for a root. */
  parentSpanId: string;
  tracestate?: string;
  pid?: number;
}

export interface ProcessStartLine extends Timed {
  event: "process.start";
  attempt: number;
  pid: number;
  command: string;
}

export interface ProcessEndLine extends Timed {
  event: "process.end";
  attempt: number;
  exitCode: number;
  /** `SIGTERM` and the like; empty when the process ended by itself. */
  signal?: string;
}

export interface SignalLine extends Timed {
  event: "signal";
  signal: string;
  source: "process" | "file";
}

/** An output of the root file system that the front copied or packed; the time is when that began. */
export interface OutputLine extends Timed {
  event: "output";
  kind: "parameter" | "artifact";
  path: string;
  seconds: number;
  bytes: number;
  files?: number;
  error?: string;
}

export interface ErrorLine extends Timed {
  event: "error";
  message: string;
  code?: string;
}

export interface EndLine extends Timed {
  event: "end";
  exitCode: number;
}

/**
 * The end of what comes before the user's containers in a pod without an init container. Not ready: they did not start,
 * and left no outputs.
 */
export interface PreMainLine extends Timed {
  event: "pre_main";
  ready: boolean;
}

export interface ActStartLine extends Timed {
  event: "act.start";
  act: string;
}

export interface ActEndLine extends Timed {
  event: "act.end";
  act: string;
  exitCode: number;
  cpuSeconds?: number;
  maxRssBytes?: number;
}

export interface WatchStartLine extends Timed {
  event: "watch.start";
}

export interface WatchEndLine extends Timed {
  event: "watch.end";
  reason: string;
}

export interface DeadlineLine extends Timed {
  event: "deadline";
}

export interface KillLine extends Timed {
  event: "kill";
  signal: string;
  containers: string[];
}

/** A span that ended in an act which does not export: an OTLP JSON `Span` object. */
export interface SpanLine {
  event: "span";
  span: Record<string, unknown>;
}

/** The last progress value that was sent. */
export interface ProgressLine {
  event: "progress";
  value: string;
}

/**
 * Reads a journal. A line that is not whole (its writer was killed) or not known is left out:
 * a journal is evidence, and what can be read of it still counts.
 */
export function parseJournal(text: string): JournalLine[] {
  const lines: JournalLine[] = [];
  for (const line of text.split("\n")) {
    if (line === "") continue;
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === "object" && value !== null && typeof (value as JournalLine).event === "string") {
        lines.push(value as JournalLine);
      }
    } catch {
      // The torn last line of a process that was killed while writing.
    }
  }
  return lines;
}
