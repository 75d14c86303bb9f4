import { CONTAINER_SPANS, isContainerOfSet, type NodeGroup, pendingExtent } from "./node-groups.ts";
import { spanSeconds, type TraceSpan } from "./span.ts";
import { spanDetail } from "./span-label.ts";
import {
  SPAN_INIT,
  SPAN_LOAD_ARTIFACT,
  SPAN_LOAD_ARTIFACTS,
  SPAN_SAVE_ARTIFACT,
  SPAN_SUPERVISOR,
  SPAN_WAIT,
} from "./span-names.ts";
import { mainContainers, workOf } from "./step-report.ts";
import type { Trace } from "./trace.ts";

/** What a stretch of the critical path went into. */
export type PathPart = "pending" | "load" | "main" | "save" | "overhead" | "untraced" | "between";

/** A stretch of time during which nothing else would have made the workflow end sooner. */
export interface PathSegment {
  /** The node's name; empty for the time between nodes. */
  readonly node: string;
  readonly label: string;
  readonly part: PathPart;
  /** What took longest within it: the artifact for loads and saves. */
  readonly detail: string;
  readonly seconds: number;
  /** Seconds from the trace's start. */
  readonly startSeconds: number;
}

/** A gap that clocks of two machines may make. */
const TOLERANCE_NANOS = 5_000_000n;

/**
 * The chain of steps that determined how long the workflow took, from its start to its end: walked back from the end, to
 * the pod that had ended last before, and so on. Its segments follow each other without a gap, so they add up to the
 * workflow's duration. A trace does not say what waited for what; it is taken from the times.
 */
export function criticalPath(trace: Trace, groups: readonly NodeGroup[]): PathSegment[] {
  const pods = groups.filter((group) => group.nodeId !== "" && !isContainerOfSet(group)).map(podExtent);
  const [start, end] = [trace.startUnixNano, trace.endUnixNano];
  const chain: PodExtent[] = [];
  for (let at = end; ; ) {
    const before = lastEnded(pods, at, chain);
    if (!before) break;
    chain.unshift(before);
    at = before.start;
  }
  const segments: PathSegment[] = [];
  const add = (pod: PodExtent | undefined, part: PathPart, from: bigint, to: bigint, detail = ""): void => {
    if (to <= from) return;
    segments.push({
      node: pod?.group.name ?? "",
      label: pod?.group.label ?? "",
      part,
      detail,
      seconds: toSeconds(to - from),
      startSeconds: toSeconds(from - start),
    });
  };
  let reached = start;
  for (const [index, pod] of chain.entries()) {
    const until = chain[index + 1]?.start ?? pod.end;
    add(undefined, "between", reached, pod.start);
    for (const [part, from, to, detail] of partsOf(pod)) {
      const [clippedFrom, clippedTo] = [larger(from, reached), smaller(to, larger(until, pod.start))];
      add(pod, part, clippedFrom, clippedTo, detail);
      reached = larger(reached, clippedTo);
    }
    reached = larger(reached, pod.start);
  }
  add(undefined, "between", reached, end);
  return segments;
}

interface PodExtent {
  readonly group: NodeGroup;
  readonly start: bigint;
  readonly end: bigint;
}

function podExtent(group: NodeGroup): PodExtent {
  const { startUnixNano, endUnixNano } = group.nodeSpan ?? group;
  return { group, start: startUnixNano, end: endUnixNano };
}

/** The pod whose end came last before a moment: what began then can only have waited for that. */
function lastEnded(
  pods: readonly PodExtent[],
  at: bigint,
  taken: readonly PodExtent[],
): PodExtent | undefined {
  let last: PodExtent | undefined;
  for (const pod of pods) {
    if (taken.includes(pod) || pod.end > at + TOLERANCE_NANOS) continue;
    if (!last || pod.end > last.end) last = pod;
  }
  return last;
}

type Part = [PathPart, bigint, bigint, string?];

/** A pod's time from its node's start to its node's end, without a gap. */
function partsOf({ group, start, end }: PodExtent): Part[] {
  const spans = group.rows.map(({ span }) => span);
  const named = (...names: string[]) => spans.filter(({ name }) => names.includes(name));
  const mains = mainContainers(spans);
  const mainStart = mains.reduce((first, span) => smaller(first, span.startUnixNano), end);
  const mainEnd = mains.reduce((last, span) => larger(last, workOf(span).endUnixNano), start);
  const pending = pendingExtent(group)?.endUnixNano ?? start;
  // A supervisor loads beside the waiting main container, and its span goes on to the end of the saving.
  const loads = spans.some(({ name }) => name === SPAN_INIT) ? named(SPAN_INIT) : named(SPAN_LOAD_ARTIFACTS);
  const loaded = loads.reduce((last, span) => larger(last, span.endUnixNano), pending);
  const saved = named(SPAN_WAIT, SPAN_SUPERVISOR).reduce(
    (last, span) => larger(last, span.endUnixNano),
    mainEnd,
  );
  const before: Part[] = [
    ["pending", start, pending],
    ["load", pending, loaded, longest(spans, SPAN_LOAD_ARTIFACT)],
  ];
  if (mains.length === 0) {
    // Of a pod whose containers do not trace, the controller alone says that it ran.
    const isTraced = spans.some(({ name }) => CONTAINER_SPANS.has(name));
    return [...before, [isTraced ? "overhead" : "untraced", loaded, end]];
  }
  return [
    ...before,
    ["overhead", loaded, mainStart],
    ["main", mainStart, mainEnd],
    ["save", mainEnd, saved, longest(spans, SPAN_SAVE_ARTIFACT)],
    ["overhead", saved, end],
  ];
}

/** The artifact that moved longest, by its name. */
function longest(spans: readonly TraceSpan[], name: string): string {
  const moved = spans.filter((span) => span.name === name);
  const [slowest] = moved.toSorted((a, b) => spanSeconds(b) - spanSeconds(a));
  return slowest ? spanDetail(slowest) : "";
}

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function smaller(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function toSeconds(nanos: bigint): number {
  return Number(nanos) / 1e9;
}
