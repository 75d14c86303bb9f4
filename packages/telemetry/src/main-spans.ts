import type { JournalLine, ProcessEndLine } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import { EVENT } from "./event-names.ts";
import type { JournalLife } from "./journal-lives.ts";
import { lastTime, lifeSpan, splitLives } from "./journal-lives.ts";
import { encodeAttributes } from "./otlp-attributes.ts";
import type { OtlpEvent, OtlpSpan } from "./otlp-span.ts";
import { STATUS_ERROR } from "./otlp-span.ts";
import type { RunIdentity } from "./run-attributes.ts";
import { runAttributes } from "./run-attributes.ts";
import type { Attributes } from "./tracing.ts";

export interface MainSpansInput {
  /** The journal of one container that ran the front as `emissary`. */
  lines: readonly JournalLine[];
  containerName: string;
  identity: RunIdentity;
  /** A sidecar is ended when main has ended: that is no failure of it. Default false. */
  isSidecar?: boolean;
  /** For a front that wrote no end, because it was killed or still runs. */
  whenUnfinished: {
    endTimeUnixNano: string;
    exitCode?: number;
    /** Absent when the container is simply not done yet, as a sidecar may be. */
    error?: { type: string; message: string };
  };
}

interface Ending {
  endTimeUnixNano: string;
  exitCode?: number | undefined;
  signal?: string | undefined;
  error?: { type: string; message: string } | undefined;
}

/** The `runMainContainer` spans of a container, one for each time it was started. */
export function buildMainSpans(input: MainSpansInput): OtlpSpan[] {
  const lives = splitLives(input.lines).filter((life) => life.start.role === "emissary");
  return lives.map((life, index) => {
    const isLast = index === lives.length - 1;
    const ending = withoutDismissal(
      findEnding(life, isLast ? input.whenUnfinished : lostEnding(life)),
      input.isSidecar ?? false,
    );
    const attributes: Attributes = {
      ...runAttributes(input.identity),
      [ATTR.k8sContainer]: input.containerName,
      [ATTR.exitCode]: ending.exitCode,
      [ATTR.signal]: ending.signal || undefined,
      [ATTR.errorType]: ending.error?.type,
    };
    return {
      ...lifeSpan(life, "runMainContainer", ending.endTimeUnixNano),
      attributes: encodeAttributes(attributes),
      events: life.lines.flatMap(toEvent),
      status: ending.error ? { code: STATUS_ERROR, message: ending.error.message } : {},
    };
  });
}

function findEnding(life: JournalLife, otherwise: Ending): Ending {
  const end = life.lines.findLast((line) => line.event === "end");
  const process = life.lines.findLast((line): line is ProcessEndLine => line.event === "process.end");
  if (!end && !process) return otherwise;
  const exitCode = end?.exitCode ?? process?.exitCode ?? 0;
  const signal = process?.signal;
  return {
    endTimeUnixNano: end?.timeUnixNano ?? lastTime(life),
    exitCode,
    signal,
    error: exitCode === 0 ? undefined : exitError(life, exitCode, signal),
  };
}

/** Exit codes of a sidecar that a controller passes over, too (contract §1.8): ended by SIGKILL, and by SIGTERM. */
const DISMISSED: readonly unknown[] = [137, 143];

function withoutDismissal({ error, ...ending }: Ending, isSidecar: boolean): Ending {
  return isSidecar && DISMISSED.includes(ending.exitCode) ? ending : { ...ending, error };
}

/** An earlier life ends with its last word: the next one was started because it was gone. */
function lostEnding(life: JournalLife): Ending {
  return {
    endTimeUnixNano: lastTime(life),
    error: { type: "process.lost", message: "the container was started again and had not said how it ended" },
  };
}

function exitError(
  life: JournalLife,
  exitCode: number,
  signal: string | undefined,
): { type: string; message: string } {
  if (signal) return { type: signal, message: `ended by ${signal} (exit code ${exitCode})` };
  // The front's own failures, such as a command that does not exist, come with a line that says so.
  const error = life.lines.find((line) => line.event === "error");
  return { type: error?.code ?? "process.exit", message: error?.message ?? `exit code ${exitCode}` };
}

function toEvent(line: JournalLine): OtlpEvent[] {
  const event = (name: string, timeUnixNano: string, attributes: Attributes): OtlpEvent[] => [
    { name, timeUnixNano, attributes: encodeAttributes(attributes) },
  ];
  switch (line.event) {
    case "process.start":
      return event(EVENT.processStart, line.timeUnixNano, {
        [ATTR.processPid]: line.pid,
        [ATTR.processCommand]: line.command,
        [ATTR.processAttempt]: line.attempt,
      });
    case "process.end":
      return event(EVENT.processEnd, line.timeUnixNano, {
        [ATTR.exitCode]: line.exitCode,
        [ATTR.signal]: line.signal || undefined,
        [ATTR.processAttempt]: line.attempt,
      });
    case "signal":
      return event(EVENT.signal, line.timeUnixNano, {
        [ATTR.signal]: line.signal,
        [ATTR.signalSource]: line.source,
      });
    case "output":
      return event(EVENT.packOutput, line.timeUnixNano, {
        [ATTR.file]: line.path,
        [ATTR.outputKind]: line.kind,
        [ATTR.fileSize]: line.bytes,
        [ATTR.artifactFiles]: line.files,
        [ATTR.fileDuration]: line.seconds,
        [ATTR.errorMessage]: line.error || undefined,
      });
    case "error":
      return event(EVENT.error, line.timeUnixNano, {
        [ATTR.errorType]: line.code,
        [ATTR.errorMessage]: line.message,
      });
    default:
      return [];
  }
}
