import type { JournalLine, SpanLine, StartLine, TraceContext } from "@skein/contract";
import { nodeSpanId, parseTraceparent } from "@skein/contract";
import type { OtlpSpan } from "./otlp-span.ts";
import { FLAG_HAS_IS_REMOTE, FLAG_IS_REMOTE, SPAN_KIND_INTERNAL } from "./otlp-span.ts";
import type { SpanName } from "./span-names.ts";
import type { ParentContext } from "./tracing.ts";

/** What one process of the front wrote: from its `start` to the next one's, or to the end. */
export interface JournalLife {
  start: StartLine;
  /** The ids the front chose for the container's own span. */
  context: TraceContext;
  lines: JournalLine[];
}

/** A journal holds one life per start of the container. Lines before the first start, or with unusable ids, count for nothing. */
export function splitLives(lines: readonly JournalLine[]): JournalLife[] {
  const lives: JournalLife[] = [];
  for (const line of lines) {
    if (line.event === "start") {
      const context = parseTraceparent(line.traceparent, line.tracestate);
      if (context) lives.push({ start: line, context, lines: [] });
    } else {
      lives.at(-1)?.lines.push(line);
    }
  }
  return lives;
}

/** The spans that ended in acts which do not export. */
export function journaledSpans(lines: readonly JournalLine[]): OtlpSpan[] {
  return lines
    .filter((line): line is SpanLine => line.event === "span")
    .map((line) => line.span as unknown as OtlpSpan);
}

/** What spans of `wait`'s acts have as their parent: `runWaitContainer`, in its latest life. */
export function waitContext(lines: readonly JournalLine[]): ParentContext | undefined {
  return splitLives(lines).at(-1)?.context;
}

/** The `waitWorkload` span, before it exists: what progress reports have as their parent. */
export function waitWorkloadContext(lines: readonly JournalLine[]): ParentContext | undefined {
  const life = splitLives(lines).at(-1);
  return life && { ...life.context, spanId: waitWorkloadId(life) };
}

/** Derived, so that an act which only reads the journal knows it and running `finish` twice makes no second one. */
export function waitWorkloadId(life: JournalLife): string {
  return nodeSpanId(`${life.context.spanId}/waitWorkload`);
}

/** A span with the ids of the life's own one, without attributes yet. */
export function lifeSpan(life: JournalLife, name: SpanName, endTimeUnixNano: string): OtlpSpan {
  const { context, start } = life;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    parentSpanId: start.parentSpanId,
    ...(context.traceState ? { traceState: context.traceState } : {}),
    flags: context.traceFlags | FLAG_HAS_IS_REMOTE | FLAG_IS_REMOTE,
    name,
    kind: SPAN_KIND_INTERNAL,
    startTimeUnixNano: start.timeUnixNano,
    endTimeUnixNano: notBefore(endTimeUnixNano, start.timeUnixNano),
    status: {},
  };
}

/** The time of the last line that has one. */
export function lastTime(life: JournalLife): string {
  const timed = life.lines.filter(
    (line): line is JournalLine & { timeUnixNano: string } => "timeUnixNano" in line,
  );
  return timed.at(-1)?.timeUnixNano ?? life.start.timeUnixNano;
}

/** Clocks of two processes, or a clock that was set back, must not make a span that ends before it starts. */
export function notBefore(time: string, earliest: string): string {
  return BigInt(time) < BigInt(earliest) ? earliest : time;
}
