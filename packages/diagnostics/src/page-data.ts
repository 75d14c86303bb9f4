import { partsOf, wholeSeconds } from "./artifact-transfer.ts";
import type {
  PageAttributes,
  PageComparison,
  PageData,
  PageRow,
  PageTrace,
  PageValue,
} from "./html/page-types.ts";
import { groupByNode, type NodeGroup, pendingExtent, workflowFacts } from "./node-groups.ts";
import type { Report } from "./report.ts";
import { type Attributes, type AttributeValue, spanSeconds, type TraceSpan } from "./span.ts";
import { spanDetail } from "./span-label.ts";
import { SPAN_WORKFLOW } from "./span-names.ts";
import type { Trace } from "./trace.ts";
import { longestStages } from "./verdict.ts";

/** Everything the page shows, in the order in which it shows it: the page itself only draws. */
export function buildPageData(traces: readonly Trace[], report: Report): PageData {
  const resources = createResourceList();
  const labels = new Map(report.steps.map((step) => [step.node, step.label]));
  return {
    traces: traces.map((trace) => toPageTrace(trace, report, resources.indexOf)),
    resources: resources.list,
    comparisons: report.comparisons.map((comparison) => toPageComparison(comparison, labels)),
    steps: report.steps.map((step) => ({
      label: step.label,
      phase: step.phase,
      seconds: step.seconds,
      traceId: step.traceId,
      parts: [
        ["pending", step.pendingSeconds],
        ["init", step.initSeconds],
        ["main", step.mainSeconds],
        ["after main", step.afterMainSeconds],
      ],
    })),
    failures: report.failures.map(({ label, path, type, message, remedy, traceId, spanId }) => {
      return { label, path, type, message, ...(remedy ? { remedy } : {}), traceId, spanId };
    }),
    clocks: report.clocks,
  };
}

interface TraceContext {
  readonly trace: Trace;
  /** Ids of the spans that failed first. */
  readonly causes: ReadonlySet<string>;
  readonly resourceIndex: (resource: Attributes) => number;
}

function toPageTrace(
  trace: Trace,
  report: Report,
  resourceIndex: (resource: Attributes) => number,
): PageTrace {
  const causes = new Set(report.failures.map((failure) => failure.spanId));
  const context: TraceContext = { trace, causes, resourceIndex };
  const summary = report.traces.find((candidate) => candidate.traceId === trace.traceId);
  const phases = new Map(report.steps.map((step) => [step.nodeId, step.phase]));
  const groups = groupByNode(trace, workflowFacts(trace));
  const rows = groups.flatMap((group) => [
    headingRow(context, group, group.nodeId ? phases.get(group.nodeId) : summary?.phase),
    ...group.rows.map((row) => ({
      ...spanRow(context, row.span),
      k: row.depth + 1,
      c: row.category,
    })),
  ]);
  return {
    traceId: trace.traceId,
    workflow: summary?.workflow ?? "",
    phase: summary?.phase ?? "Unknown",
    startedAt: summary?.startedAt ?? "",
    seconds: spanSeconds(trace),
    spans: trace.spans.length,
    pods: groups.filter((group) => group.nodeId !== "").length,
    rows,
  };
}

function headingRow(context: TraceContext, group: NodeGroup, phase: string | undefined): PageRow {
  const { trace } = context;
  const extent = group.nodeSpan ?? group.rows.find((row) => row.span.name === SPAN_WORKFLOW)?.span ?? group;
  const pending = group.nodeId === "" ? undefined : pendingExtent(group);
  const failed = group.nodeSpan
    ? group.nodeSpan.status === "error"
    : group.rows.some((row) => row.span.status === "error");
  return {
    ...(group.nodeSpan ? spanRow(context, group.nodeSpan) : {}),
    k: 0,
    n: group.label,
    s: secondsInto(trace, extent.startUnixNano),
    d: spanSeconds(extent),
    ...(group.podName ? { t: group.podName } : {}),
    ...(failed ? { e: 1 } : {}),
    ...(phase && phase !== "Unknown" ? { phase } : {}),
    ...(pending
      ? { pending: [secondsInto(trace, pending.startUnixNano), spanSeconds(pending)] as const }
      : {}),
  };
}

function spanRow(context: TraceContext, span: TraceSpan): PageRow {
  const { trace, resourceIndex } = context;
  const detail = spanDetail(span);
  return {
    k: 0,
    n: span.name,
    ...(detail ? { t: detail } : {}),
    s: secondsInto(trace, span.startUnixNano),
    d: spanSeconds(span),
    ...failureOf(context, span),
    ...(span.unfinished ? { u: 1 } : {}),
    ...(span.clock ? { w: span.clock } : {}),
    ...(span.statusMessage ? { m: span.statusMessage } : {}),
    id: span.spanId,
    ...(span.parentSpanId ? { p: span.parentSpanId } : {}),
    r: resourceIndex(span.resource),
    kind: span.kind,
    ...(span.scope ? { scope: span.scope } : {}),
    ...(span.attributes.size > 0 ? { a: toPageAttributes(span.attributes) } : {}),
    ...(span.events.length > 0
      ? {
          v: span.events.map((event) => ({
            name: event.name,
            at: secondsInto(trace, event.timeUnixNano),
            attributes: toPageAttributes(event.attributes),
          })),
        }
      : {}),
  };
}

function failureOf(context: TraceContext, span: TraceSpan): Pick<PageRow, "e"> {
  if (span.status !== "error") return {};
  return { e: context.causes.has(span.spanId) ? 2 : 1 };
}

function toPageComparison(
  comparison: Report["comparisons"][number],
  labels: ReadonlyMap<string, string>,
): PageComparison {
  const { object, names, answer, loadPerSave } = comparison;
  const transfers = comparison.transfers.map((transfer) => ({
    name: transfer.name,
    node: labels.get(transfer.node) ?? transfer.node,
    direction: transfer.direction,
    driver: transfer.driver,
    bytes: transfer.bytes,
    unpackedBytes: transfer.unpackedBytes,
    files: transfer.files,
    seconds: wholeSeconds(transfer),
    stages: longestStages(partsOf(transfer)).map(({ stage, seconds }) => [stage, seconds] as const),
    boundBy: transfer.boundBy,
    verdict: transfer.verdict,
    failed: transfer.error !== undefined,
    traceId: transfer.traceId,
    spanId: transfer.spanId,
  }));
  return { object, names, answer, ...(loadPerSave === undefined ? {} : { loadPerSave }), transfers };
}

function secondsInto(trace: Trace, unixNano: bigint): number {
  return Number(unixNano - trace.startUnixNano) / 1e9;
}

function toPageAttributes(attributes: Attributes): PageAttributes {
  return [...attributes].map(([key, value]) => [key, toPageValue(value)] as const);
}

/** Lists and maps are shown as JSON text. */
function toPageValue(value: AttributeValue): PageValue {
  return typeof value === "object" && value !== null ? JSON.stringify(toJson(value)) : value;
}

function toJson(value: AttributeValue): unknown {
  if (value instanceof Map)
    return Object.fromEntries([...value].map(([key, member]) => [key, toJson(member)]));
  return Array.isArray(value) ? value.map(toJson) : value;
}

/** Spans of one process have the same resource, though every export repeats it. */
function createResourceList() {
  const list: PageAttributes[] = [];
  const indexes = new Map<string, number>();
  const known = new WeakMap<Attributes, number>();
  const indexOf = (resource: Attributes): number => {
    const seen = known.get(resource);
    if (seen !== undefined) return seen;
    const attributes = toPageAttributes(resource);
    const text = JSON.stringify(attributes);
    const index = indexes.get(text) ?? list.push(attributes) - 1;
    indexes.set(text, index);
    known.set(resource, index);
    return index;
  };
  return { list, indexOf };
}
