import { formatSeconds } from "./html/format.js";
import { CONTAINER_SPANS } from "./node-groups.ts";
import { type TraceSpan, textAttribute } from "./span.ts";
import { SPAN_CREATE_POD, SPAN_NODE } from "./span-names.ts";
import { assembleTraces, type Trace } from "./trace.ts";
import { extentOf, type TimeExtent } from "./unix-nano.ts";

const SECOND = 1_000_000_000n;
/** Nothing begins before what caused it, but for this much: times in objects are whole seconds, and clocks are set by NTP. */
const TOLERANCE = 10n * SECOND;
/** A container may be at its end for long after its node was given up; not for so long, and not within the node's length. */
const LATE = 30n * 60n * SECOND;

/**
 * Brings what was made by a machine whose clock is minutes or hours off to where it belongs, so that it neither stretches the
 * trace nor tells of steps before those they waited for. That is known by what cannot be: a pod's containers that begin before the
 * controller made their node or after that had ended, and a span that began before its parent. All of a pod moves alike, and its
 * first span says so ({@link TraceSpan.clock}); what ran elsewhere, and has the right time, stays. Without the controller's spans
 * nobody can tell; those of a clock that is less off than {@link TOLERANCE} are left as they are.
 */
export function settleSkew(spans: readonly TraceSpan[]): TraceSpan[] {
  const settled = new Map<TraceSpan, TraceSpan>();
  for (const trace of assembleTraces(spans)) settleTrace(trace, settled);
  return settled.size === 0 ? [...spans] : spans.map((span) => settled.get(span) ?? span);
}

interface Placed {
  span: TraceSpan;
  /** By how much the parent was moved. */
  offset: bigint;
  /** The parent's time, as corrected; undefined where nobody knows it. */
  parent?: TimeExtent | undefined;
  /** The parent is a container, or runs in one. */
  isInContainer: boolean;
}

function settleTrace(trace: Trace, settled: Map<TraceSpan, TraceSpan>): void {
  const pods = podOffsets(trace);
  const waiting: Placed[] = trace.roots.map((span) => ({ span, offset: 0n, isInContainer: false }));
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { span, parent, isInContainer } = next;
    const pod = pods.get(span);
    const inherited = pod?.offset ?? nearer(span, next.offset, parent);
    const isBeforeItsCause =
      isInContainer && parent && span.startUnixNano + inherited < parent.startUnixNano - TOLERANCE;
    const offset = isBeforeItsCause ? parent.startUnixNano - span.startUnixNano : inherited;
    const clock = pod?.clock ?? (isBeforeItsCause ? beforeItsCause(offset) : undefined);
    const moved = offset === 0n ? span : move(span, offset, clock);
    if (moved !== span) settled.set(span, moved);
    for (const child of trace.childrenOf(span)) {
      waiting.push({
        span: child,
        offset,
        parent: span.clock === undefined ? moved : undefined,
        isInContainer: isInContainer || CONTAINER_SPANS.has(span.name),
      });
    }
  }
}

/** Another machine's span below one that was moved may have had the right time all along. */
function nearer(span: TraceSpan, offset: bigint, parent: TimeExtent | undefined): bigint {
  if (offset === 0n || !parent) return 0n;
  const away = (by: bigint): bigint => distance(span.startUnixNano + by, parent);
  return away(offset) <= away(0n) ? offset : 0n;
}

function move(span: TraceSpan, offset: bigint, clock: string | undefined): TraceSpan {
  return {
    ...span,
    startUnixNano: span.startUnixNano + offset,
    endUnixNano: span.endUnixNano + offset,
    events: span.events.map((event) => ({ ...event, timeUnixNano: event.timeUnixNano + offset })),
    ...(clock === undefined ? {} : { clock }),
  };
}

/** For the container spans of each pod whose clock is off: by how much they move, and for the first of them what to say. */
function podOffsets(trace: Trace): Map<TraceSpan, { offset: bigint; clock?: string }> {
  const nodes = new Map<string, TraceSpan>();
  for (const span of trace.spans) {
    if (span.name === SPAN_NODE && span.clock === undefined)
      nodes.set(textAttribute(span.attributes, "node_id") ?? "", span);
  }
  // What has been put somewhere already says nothing of its machine's clock.
  const containers = trace.spans.filter(
    ({ name, clock }) => CONTAINER_SPANS.has(name) && clock === undefined,
  );
  const offsets = new Map<TraceSpan, { offset: bigint; clock?: string }>();
  for (const [home, members] of Map.groupBy(containers, (span) => homeOf(trace, nodes, span))) {
    const offset = home ? offsetOf(extentOf(members), home) : 0n;
    for (const [index, span] of members.entries()) {
      const clock = index === 0 && offset !== 0n ? podClock(span, offset) : undefined;
      offsets.set(span, { offset, ...(clock === undefined ? {} : { clock }) });
    }
  }
  return offsets;
}

/** The controller's span of the pod: the node, else the making of the pod, which knows no end. */
function homeOf(trace: Trace, nodes: ReadonlyMap<string, TraceSpan>, span: TraceSpan): TraceSpan | undefined {
  const node = nodes.get(textAttribute(span.attributes, "cicd.pipeline.task.run.id") ?? "");
  if (node) return node;
  const above = trace.parentOf(span);
  if (above?.name !== SPAN_CREATE_POD) return above?.name === SPAN_NODE ? above : undefined;
  return nodes.get(textAttribute(above.attributes, "node_id") ?? "") ?? above;
}

/** 0 where the pod's times can be. What is moved ends with its node, as far as its length lets it. */
function offsetOf(pod: TimeExtent, home: TraceSpan): bigint {
  const [length, room] = [pod, home].map(({ startUnixNano, endUnixNano }) => endUnixNano - startUnixNano) as [
    bigint,
    bigint,
  ];
  const toStart = home.startUnixNano - pod.startUnixNano;
  if (home.name === SPAN_CREATE_POD) return toStart > TOLERANCE ? toStart : 0n;
  const isEarly = toStart > TOLERANCE;
  const isAfter = pod.startUnixNano > home.endUnixNano + TOLERANCE;
  const isLate = pod.endUnixNano > home.endUnixNano + LATE && length <= room + SECOND;
  if (!isEarly && !isAfter && !isLate) return 0n;
  return length <= room ? home.endUnixNano - pod.endUnixNano : toStart;
}

function podClock({ resource }: TraceSpan, offset: bigint): string {
  const machine = textAttribute(resource, "k8s.node.name") ?? "the pod's machine";
  // Upstream's executor has the pod's name as the host's.
  const pod = textAttribute(resource, "k8s.pod.name") ?? textAttribute(resource, "host.name");
  const how = `${amount(offset)} ${offset > 0n ? "behind" : "ahead of"} the controller's`;
  return `the clock of ${machine} is about ${how}, by which ${pod ? `pod ${pod}` : "the pod"} is shown`;
}

function beforeItsCause(offset: bigint): string {
  return `its clock is about ${amount(offset)} behind its parent's: shown where that begins`;
}

function amount(offset: bigint): string {
  return formatSeconds(Math.abs(Number(offset)) / 1e9);
}

function distance(at: bigint, { startUnixNano, endUnixNano }: TimeExtent): bigint {
  if (at < startUnixNano) return startUnixNano - at;
  return at > endUnixNano ? at - endUnixNano : 0n;
}
