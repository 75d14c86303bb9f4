import type { ActStartLine, JournalLine } from "@skein/contract";
import { errorMessage, redactSecrets } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import { errorAttributes } from "./error-attributes.ts";
import { EVENT } from "./event-names.ts";
import type { JournalLife } from "./journal-lives.ts";
import { lastTime, lifeSpan, notBefore, splitLives, waitWorkloadId } from "./journal-lives.ts";
import { encodeAttributes } from "./otlp-attributes.ts";
import type { OtlpEvent, OtlpSpan } from "./otlp-span.ts";
import { FLAG_HAS_IS_REMOTE, STATUS_ERROR } from "./otlp-span.ts";
import type { RunIdentity } from "./run-attributes.ts";
import { runAttributes } from "./run-attributes.ts";
import type { Attributes } from "./tracing.ts";

export interface WaitSpansInput {
  /** The journal of the `wait` container. */
  lines: readonly JournalLine[];
  identity: RunIdentity;
  /** When `finish` is done. */
  endTimeUnixNano: string;
  /** The first recorded error, when there is one: the container will exit with it. */
  error?: unknown;
}

/** `runWaitContainer` or `runSupervisorContainer` and, below it, `waitWorkload`: one pair for each time the container was started. */
export function buildWaitSpans(input: WaitSpansInput): OtlpSpan[] {
  const lives = splitLives(input.lines).filter((life) => life.start.role !== "emissary");
  return lives.flatMap((life, index) => {
    const next = lives[index + 1];
    return next
      ? lifeSpans(life, input, { endTimeUnixNano: lastTime(life), error: lostError() })
      : lifeSpans(life, input, input);
  });
}

function lifeSpans(
  life: JournalLife,
  { identity }: WaitSpansInput,
  ending: { endTimeUnixNano: string; error?: unknown },
): OtlpSpan[] {
  const { error } = ending;
  const root: OtlpSpan = {
    ...lifeSpan(
      life,
      life.start.role === "supervisor" ? "runSupervisorContainer" : "runWaitContainer",
      ending.endTimeUnixNano,
    ),
    attributes: encodeAttributes({
      ...runAttributes(identity),
      ...(error === undefined ? {} : errorAttributes(error)),
    }),
    events: rootEvents(life.lines),
    status: error === undefined ? {} : { code: STATUS_ERROR, message: redactSecrets(errorMessage(error)) },
  };
  const workload = workloadSpan(life, root);
  return workload ? [workload, root] : [root];
}

function workloadSpan(life: JournalLife, root: OtlpSpan): OtlpSpan | undefined {
  const start = life.lines.find((line) => line.event === "watch.start");
  if (!start) return undefined;
  const end = life.lines.findLast((line) => line.event === "watch.end");
  return {
    ...lifeSpan(life, "waitWorkload", root.endTimeUnixNano),
    spanId: waitWorkloadId(life),
    parentSpanId: root.spanId,
    flags: life.context.traceFlags | FLAG_HAS_IS_REMOTE,
    startTimeUnixNano: start.timeUnixNano,
    endTimeUnixNano: notBefore(end?.timeUnixNano ?? root.endTimeUnixNano, start.timeUnixNano),
    events: life.lines.flatMap(workloadEvent),
  };
}

function workloadEvent(line: JournalLine): OtlpEvent[] {
  switch (line.event) {
    case "deadline":
      return [event(EVENT.deadline, line.timeUnixNano, {})];
    case "kill":
      return [
        event(EVENT.kill, line.timeUnixNano, {
          [ATTR.signal]: line.signal,
          [ATTR.containers]: line.containers,
        }),
      ];
    case "signal":
      return [
        event(EVENT.signal, line.timeUnixNano, {
          [ATTR.signal]: line.signal,
          [ATTR.signalSource]: line.source,
        }),
      ];
    default:
      return [];
  }
}

/** The acts with what they cost, and the errors that were recorded while the work went on. */
function rootEvents(lines: readonly JournalLine[]): OtlpEvent[] {
  const started = new Map<string, ActStartLine>();
  const events: OtlpEvent[] = [];
  for (const line of lines) {
    if (line.event === "act.start") started.set(line.act, line);
    if (line.event === "act.end") {
      const start = started.get(line.act);
      events.push(
        event(EVENT.act, start?.timeUnixNano ?? line.timeUnixNano, {
          [ATTR.actName]: line.act,
          [ATTR.actDuration]: start && seconds(start.timeUnixNano, line.timeUnixNano),
          [ATTR.actCpuTime]: line.cpuSeconds,
          [ATTR.actMaxRss]: line.maxRssBytes,
          [ATTR.exitCode]: line.exitCode,
        }),
      );
    }
    if (line.event === "error") {
      events.push(
        event(EVENT.error, line.timeUnixNano, {
          [ATTR.errorType]: line.code,
          [ATTR.errorMessage]: line.message,
        }),
      );
    }
  }
  return events;
}

function event(name: string, timeUnixNano: string, attributes: Attributes): OtlpEvent {
  return { name, timeUnixNano, attributes: encodeAttributes(attributes) };
}

function seconds(from: string, to: string): number {
  return Number(BigInt(to) - BigInt(from)) / 1e9;
}

function lostError(): Error {
  return Object.assign(new Error("the wait container was started again and had not said how it ended"), {
    code: "process.lost",
  });
}
