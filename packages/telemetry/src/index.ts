// Tracing, as the executor and the transfer engine use it.

export type { TracingOptions } from "./create-tracing.ts";
export { createTracing } from "./create-tracing.ts";
export type { FileEventRecorder, FileEventRecorderOptions, FileRecord } from "./file-event-recorder.ts";
export { createFileEventRecorder } from "./file-event-recorder.ts";
export { settingsForMain } from "./hand-over.ts";
export { createNoopTracing } from "./noop-tracing.ts";
export type { ParentSources } from "./parent-context.ts";
export { extractParent, injectContext } from "./parent-context.ts";
export type { ResourceFacts } from "./resource.ts";
export type { RunIdentity } from "./run-attributes.ts";
export { runAttributes } from "./run-attributes.ts";
export type { PodClaims } from "./token-claims.ts";
export { parsePodClaims } from "./token-claims.ts";
export type { TraceLevel } from "./trace-level.ts";
export type {
  Attributes,
  AttributeValue,
  EmitOptions,
  ParentContext,
  Span,
  SpanOptions,
  Tracing,
} from "./tracing.ts";

// Names on the wire.

export type { TransferStage } from "./artifact-attribute-names.ts";
export { stageTimeKey, TRANSFER_STAGES } from "./artifact-attribute-names.ts";
export type { AttributeKey } from "./attribute-names.ts";
export { ATTR } from "./attribute-names.ts";
export type { ControllerSpanName } from "./controller-span-names.ts";
export { CONTROLLER_SPANS } from "./controller-span-names.ts";
export type { EventName } from "./event-names.ts";
export { EVENT } from "./event-names.ts";
export type { MetricDefinition } from "./metric-names.ts";
export { DURATION_BOUNDS_SECONDS, METRICS } from "./metric-names.ts";
export type { SpanName } from "./span-names.ts";
export { SPANS } from "./span-names.ts";

// From the journal that front and core share to spans.

export { journaledSpans, waitContext, waitWorkloadContext } from "./journal-lives.ts";
export type { MainSpansInput } from "./main-spans.ts";
export { buildMainSpans } from "./main-spans.ts";
export { encodeAttributes } from "./otlp-attributes.ts";
export { hasCollector } from "./otlp-exporter.ts";
export type { OtlpLink, OtlpSpan, OtlpTraceRequest } from "./otlp-span.ts";
export type { WaitSpansInput } from "./wait-spans.ts";
export { buildWaitSpans } from "./wait-spans.ts";

// For the doctor.

export type { CollectorAnswer } from "./ask-collector.ts";
export { askCollector } from "./ask-collector.ts";
export type { VariableProblem } from "./check-otlp-variables.ts";
export { checkOtlpVariables } from "./check-otlp-variables.ts";
