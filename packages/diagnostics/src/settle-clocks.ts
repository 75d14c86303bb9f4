import type { SpanEvent, TraceSpan } from "./span.ts";
import { compareUnixNano, formatUnixNano, type TimeExtent } from "./unix-nano.ts";

/**
 * Nothing of a trace is so far from the rest: a workflow that waits for a year has spans that say so. What is, has a clock
 * that was never set (1970) or set wrong (2200), and one such span would make a line of the whole trace.
 */
const ABSURD_NANOS = 366n * 24n * 60n * 60n * 1_000_000_000n;

/**
 * Brings the spans whose times cannot be those of their trace to where they belong: below their parent, with what their
 * clock says of their own length where that is credible, and marks them with {@link TraceSpan.clock}. All others are given
 * back as they are.
 */
export function settleClocks(spans: readonly TraceSpan[]): TraceSpan[] {
  const settled = new Map<TraceSpan, TraceSpan>();
  for (const members of Map.groupBy(spans, ({ traceId }) => traceId).values()) {
    if (!isStretched(members)) continue;
    for (const [span, moved] of settleTrace(members)) settled.set(span, moved);
  }
  return spans.map((span) => settled.get(span) ?? span);
}

/** Cheap, as it is asked of every trace: whether there is anything to do. */
function isStretched(spans: readonly TraceSpan[]): boolean {
  let [first, last] = [spans[0]?.startUnixNano ?? 0n, spans[0]?.endUnixNano ?? 0n];
  for (const span of spans) {
    if (span.startUnixNano < first) first = span.startUnixNano;
    if (span.endUnixNano > last) last = span.endUnixNano;
    if (span.events.some(({ timeUnixNano: at }) => distance(at, span) > ABSURD_NANOS)) return true;
  }
  return last - first > ABSURD_NANOS;
}

function settleTrace(spans: readonly TraceSpan[]): Map<TraceSpan, TraceSpan> {
  const time = credibleTime(spans);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const strays = new Map(spans.filter((span) => isStray(span, time)).map((span) => [span, 0n]));
  const earliest = [...strays.keys()].reduce(
    (first, { startUnixNano: at }) => (first === undefined || at < first ? at : first),
    undefined as bigint | undefined,
  );
  /** By how much a stray moves: as its parent does, so that what one process made keeps its shape. */
  const offsetOf = (span: TraceSpan): bigint => {
    const seen = new Set<TraceSpan>();
    let top = span;
    for (let parent: TraceSpan | undefined = span; parent && strays.has(parent) && !seen.has(parent); ) {
      top = parent;
      seen.add(parent);
      parent = byId.get(parent.parentSpanId);
    }
    const home = byId.get(top.parentSpanId);
    if (home && !strays.has(home)) return home.startUnixNano - top.startUnixNano;
    return time.startUnixNano - (earliest ?? top.startUnixNano);
  };
  const moved = new Map<TraceSpan, TraceSpan>();
  for (const span of spans) {
    const offset = strays.has(span) ? offsetOf(span) : 0n;
    const placed = place(span, offset, time);
    if (placed !== span) moved.set(span, placed);
  }
  return moved;
}

/** The stretch of time in which most spans begin, without a gap that no workflow has. */
function credibleTime(spans: readonly TraceSpan[]): TimeExtent {
  const starts = spans.map(({ startUnixNano }) => startUnixNano).sort(compareUnixNano);
  let best = { from: 0, count: 0 };
  for (let from = 0, at = 0; at < starts.length; at += 1) {
    if (at > 0 && (starts[at] ?? 0n) - (starts[at - 1] ?? 0n) > ABSURD_NANOS) from = at;
    // Of two of a size the later one: a clock that was never set is more common than one that is ahead.
    if (at - from + 1 >= best.count) best = { from, count: at - from + 1 };
  }
  const startUnixNano = starts[best.from] ?? 0n;
  return { startUnixNano, endUnixNano: starts[best.from + best.count - 1] ?? startUnixNano };
}

function isStray({ startUnixNano }: TraceSpan, time: TimeExtent): boolean {
  return startUnixNano < time.startUnixNano || startUnixNano > time.endUnixNano;
}

function place(span: TraceSpan, offset: bigint, time: TimeExtent): TraceSpan {
  const { startUnixNano, endUnixNano } = span;
  const isLong = endUnixNano - startUnixNano > ABSURD_NANOS;
  const isEndCredible = offset !== 0n && isLong && distance(endUnixNano, time) <= ABSURD_NANOS;
  const start = isEndCredible ? endUnixNano : startUnixNano + offset;
  const end = isLong ? start : endUnixNano + offset;
  const events = span.events.map((event) => settleEvent(event, offset, { start, end }));
  const isSame = offset === 0n && !isLong;
  if (isSame && events.every((event, index) => event === span.events[index])) return span;
  return {
    ...span,
    startUnixNano: start,
    endUnixNano: end,
    unfinished: span.unfinished || isLong,
    events,
    clock: isSame
      ? "an event's time cannot be: shown at its start"
      : `its clock says ${moment(startUnixNano)} to ${moment(endUnixNano)}: shown ${where(offset, isEndCredible)}${isLong ? ", without a length" : ""}`,
  };
}

function where(offset: bigint, isEndCredible: boolean): string {
  if (isEndCredible) return "at its end";
  return offset === 0n ? "at its start" : "where its parent is";
}

function settleEvent(event: SpanEvent, offset: bigint, { start, end }: { start: bigint; end: bigint }) {
  const at = event.timeUnixNano + offset;
  if (distance(at, { startUnixNano: start, endUnixNano: end }) <= ABSURD_NANOS) {
    return offset === 0n ? event : { ...event, timeUnixNano: at };
  }
  return { ...event, timeUnixNano: start };
}

function distance(at: bigint, { startUnixNano, endUnixNano }: TimeExtent): bigint {
  if (at < startUnixNano) return startUnixNano - at;
  return at > endUnixNano ? at - endUnixNano : 0n;
}

/** To the second; of a time no calendar has the number itself. */
function moment(unixNano: bigint): string {
  const isInCalendar = unixNano < 8_640_000_000_000_000n * 1_000_000n;
  return isInCalendar ? `${formatUnixNano(unixNano).slice(0, 19)}Z` : `${unixNano} ns`;
}
