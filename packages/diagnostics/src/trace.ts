import type { TraceSpan } from "./span.ts";
import { compareUnixNano, extentOf } from "./unix-nano.ts";

/** All spans of one trace, as a forest: a span whose parent was never exported is a root. */
export interface Trace {
  readonly traceId: string;
  /** By start; of two that start together the longer one first. */
  readonly spans: readonly TraceSpan[];
  readonly roots: readonly TraceSpan[];
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
  parentOf(span: TraceSpan): TraceSpan | undefined;
  /** By start. */
  childrenOf(span: TraceSpan): readonly TraceSpan[];
}

/** Sorts spans into traces, the one with most spans first: stray spans of programs that lost their context come last. */
export function assembleTraces(spans: Iterable<TraceSpan>): Trace[] {
  const byTrace = new Map<string, TraceSpan[]>();
  for (const span of spans) {
    const siblings = byTrace.get(span.traceId);
    if (siblings) siblings.push(span);
    else byTrace.set(span.traceId, [span]);
  }
  const traces = [...byTrace].map(([traceId, members]) => assembleTrace(traceId, members));
  return traces.sort(
    (a, b) => b.spans.length - a.spans.length || compareUnixNano(a.startUnixNano, b.startUnixNano),
  );
}

function assembleTrace(traceId: string, members: TraceSpan[]): Trace {
  const spans = members.toSorted(byStart);
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const children = new Map<TraceSpan, TraceSpan[]>();
  for (const span of spans) {
    const parent = byId.get(span.parentSpanId);
    const siblings = parent && children.get(parent);
    if (siblings) siblings.push(span);
    else if (parent) children.set(parent, [span]);
  }
  const roots = findRoots(spans, byId, children);
  return {
    traceId,
    spans,
    roots: [...roots],
    ...extentOf(spans),
    parentOf: (span) => (roots.has(span) ? undefined : byId.get(span.parentSpanId)),
    childrenOf: (span) => children.get(span) ?? [],
  };
}

/** The spans without a parent here. A file may claim that two spans are each other's parent: there the circle is cut. */
function findRoots(
  spans: readonly TraceSpan[],
  byId: ReadonlyMap<string, TraceSpan>,
  children: Map<TraceSpan, TraceSpan[]>,
): Set<TraceSpan> {
  const roots = new Set(spans.filter((span) => !byId.has(span.parentSpanId)));
  const reached = new Set<TraceSpan>();
  const reachFrom = (start: TraceSpan) => {
    const waiting = [start];
    for (let span = waiting.pop(); span; span = waiting.pop()) {
      reached.add(span);
      for (const child of children.get(span) ?? []) waiting.push(child);
    }
  };
  roots.forEach(reachFrom);
  for (const span of spans) {
    if (reached.has(span)) continue;
    const parent = byId.get(span.parentSpanId);
    if (parent)
      children.set(
        parent,
        (children.get(parent) ?? []).filter((child) => child !== span),
      );
    roots.add(span);
    reachFrom(span);
  }
  return roots;
}

export function byStart(a: TraceSpan, b: TraceSpan): number {
  return (
    compareUnixNano(a.startUnixNano, b.startUnixNano) ||
    compareUnixNano(b.endUnixNano, a.endUnixNano) ||
    (a.spanId < b.spanId ? -1 : 1)
  );
}
