import { type Advice, adviseOn } from "./advice.ts";
import { type ArtifactTransfer, readTransfer } from "./artifact-transfer.ts";
import { compareTransfers, type TransferComparison } from "./compare-transfers.ts";
import { criticalPath, type PathSegment } from "./critical-path.ts";
import { type FailureReport, readFailures } from "./failure-report.ts";
import { groupByNode, type NodeGroup, workflowFacts } from "./node-groups.ts";
import { spanSeconds, type TraceSpan } from "./span.ts";
import { spanDetail } from "./span-label.ts";
import { spanCategory } from "./span-names.ts";
import { readStep, type StepReport } from "./step-report.ts";
import { assembleTraces, type Trace } from "./trace.ts";
import { compareUnixNano, formatUnixNano } from "./unix-nano.ts";

export interface TraceSummary {
  readonly traceId: string;
  /** The workflow's name, or empty when no span tells it. */
  readonly workflow: string;
  readonly namespace: string;
  /** `Succeeded`, `Failed`, `Error`; `Unknown` when the controller's span is not in the trace. */
  readonly phase: string;
  readonly startedAt: string;
  readonly seconds: number;
  readonly spans: number;
  /** The steps that determined how long it took, in their order; their seconds add up to the trace's. */
  readonly criticalPath: readonly PathSegment[];
}

export interface ClockReport {
  readonly traceId: string;
  readonly spanId: string;
  readonly name: string;
  /** What tells it apart from its namesakes: the artifact, the container, the pod. */
  readonly detail: string;
  readonly problem: string;
}

export interface TransferTotals {
  readonly artifacts: number;
  readonly bytes: number;
  readonly unpackedBytes: number;
  readonly files: number;
  /** The sum over all artifacts; those of one pod move at the same time. */
  readonly seconds: number;
}

/** What `skein report --json` prints. Times in seconds, sizes in bytes, moments in ISO 8601. */
export interface Report {
  readonly traces: readonly TraceSummary[];
  readonly steps: readonly StepReport[];
  /** In the order in which they began. */
  readonly artifacts: readonly ArtifactTransfer[];
  /** The same transfers by what was moved: loads against saves. */
  readonly comparisons: readonly TransferComparison[];
  readonly failures: readonly FailureReport[];
  /** Spans whose times cannot be those of their trace, and where they are counted and drawn instead. */
  readonly clocks: readonly ClockReport[];
  /** What to change, what has cost most first. */
  readonly advice: readonly Advice[];
  readonly totals: {
    readonly spans: number;
    readonly failedSpans: number;
    readonly load: TransferTotals;
    readonly save: TransferTotals;
  };
}

/** Reads a report out of spans, which may belong to several traces. Never throws; no spans give an empty report. */
export function buildReport(spans: readonly TraceSpan[]): Report {
  const traces = assembleTraces(spans);
  const steps: StepReport[] = [];
  const failures: FailureReport[] = [];
  const transfers: { transfer: ArtifactTransfer; span: TraceSpan }[] = [];
  const summaries: TraceSummary[] = [];
  for (const trace of traces) {
    const groups = groupByNode(trace);
    summaries.push(summarize(trace, groups));
    for (const group of groups) {
      const step = readStep(group);
      if (step) steps.push(step);
      for (const failure of readFailures(trace, group)) failures.push(failure);
      for (const { span } of group.rows) {
        const transfer = readTransfer(trace, span, group.name);
        if (transfer) transfers.push({ transfer, span });
      }
    }
  }
  const artifacts = transfers
    .sort((a, b) => compareUnixNano(a.span.startUnixNano, b.span.startUnixNano))
    .map(({ transfer }) => transfer);
  return {
    traces: summaries,
    steps,
    artifacts,
    comparisons: compareTransfers(artifacts),
    failures: withoutSummaries(failures),
    clocks: spans.flatMap(readClock),
    advice: adviseOn(artifacts, steps),
    totals: {
      spans: spans.length,
      failedSpans: spans.filter((span) => span.status === "error").length,
      load: sumUp(artifacts.filter(({ direction }) => direction === "load")),
      save: sumUp(artifacts.filter(({ direction }) => direction === "save")),
    },
  };
}

/** The controller repeats on node and workflow that something below failed; alone it is all there is to say. */
function withoutSummaries(failures: readonly FailureReport[]): readonly FailureReport[] {
  const causes = failures.filter((failure) => failure.type !== "" || !failure.path.every(isControllerSpan));
  return causes.length > 0 ? causes : failures;
}

function isControllerSpan(name: string): boolean {
  return spanCategory(name, undefined) === "controller";
}

function readClock(span: TraceSpan): ClockReport[] {
  const { traceId, spanId, name, clock } = span;
  if (clock === undefined) return [];
  return [{ traceId, spanId, name, detail: spanDetail(span), problem: clock }];
}

function summarize(trace: Trace, groups: readonly NodeGroup[]): TraceSummary {
  const { name, namespace, span } = workflowFacts(trace);
  return {
    traceId: trace.traceId,
    workflow: name,
    namespace,
    phase: workflowPhase(span),
    startedAt: formatUnixNano(trace.startUnixNano),
    seconds: spanSeconds(trace),
    spans: trace.spans.length,
    criticalPath: criticalPath(trace, groups),
  };
}

function workflowPhase(span: TraceSpan | undefined): string {
  if (span?.status === "ok") return "Succeeded";
  if (span?.status !== "error") return "Unknown";
  return span.statusMessage === "Error" ? "Error" : "Failed";
}

function sumUp(transfers: readonly ArtifactTransfer[]): TransferTotals {
  const total = (of: (transfer: ArtifactTransfer) => number) =>
    transfers.reduce((sum, transfer) => sum + of(transfer), 0);
  return {
    artifacts: transfers.length,
    bytes: total((transfer) => transfer.bytes),
    unpackedBytes: total((transfer) => transfer.unpackedBytes),
    files: total((transfer) => transfer.files),
    seconds: total((transfer) => transfer.seconds),
  };
}
