// For the skein command: everything it needs of this package.

export type { Advice } from "./advice.ts";
// For the lab, which prints the parts in an order of its own, and for other programs.
export type { ArtifactTransfer, StageName, StageSeconds } from "./artifact-transfer.ts";
export type { Change, PathChange, ReportDiff, TransferChange } from "./compare-reports.ts";
export { compareReports } from "./compare-reports.ts";
export type { TransferComparison } from "./compare-transfers.ts";
export type { PathPart, PathSegment } from "./critical-path.ts";
export type { FailureReport } from "./failure-report.ts";
// Internal: shapes that the ones above are made of.
export { parseOtlpDocument } from "./otlp-json.ts";
export type { TraceQuery } from "./query-api.ts";
export type { ReadTraces } from "./read-traces.ts";
export { readTraces } from "./read-traces.ts";
export { renderHtml } from "./render-html.ts";
export type { Report, TraceSummary, TransferTotals } from "./report.ts";
export { buildReport } from "./report.ts";
export type { DiffCommand } from "./run-diff.ts";
export { runDiff } from "./run-diff.ts";
export type { ReportCommand, TextSink } from "./run-report.ts";
export { renderReportTerminal, runReport } from "./run-report.ts";
export type { Attributes, AttributeValue, SpanEvent, SpanKind, TraceSpan } from "./span.ts";
export type { StepReport } from "./step-report.ts";
export {
  renderAdviceTerminal,
  renderCostliestTerminal,
  renderCriticalPathTerminal,
} from "./terminal/advice.ts";
export {
  renderFailuresTerminal,
  renderHeadlineTerminal,
  renderStepsTerminal,
  renderTotalsTerminal,
} from "./terminal/steps.ts";
export type { TableOptions } from "./terminal/transfers.ts";
export { renderTransfersTerminal } from "./terminal/transfers.ts";
export type { WaterfallOptions } from "./terminal/waterfall.ts";
export { renderWaterfallTerminal } from "./terminal/waterfall.ts";
export type { Trace } from "./trace.ts";
export { assembleTraces } from "./trace.ts";
export { TraceReadError } from "./trace-read-error.ts";
export type { BoundBy } from "./verdict.ts";
