// What the `skein` command does with workflows.

export type { SpanExport, SpanExportOptions } from "./export-spans.ts";
export { openSpanExport } from "./export-spans.ts";
export type { ReadObjects } from "./read-objects.ts";
export { readObjects, WorkflowObjectError } from "./read-objects.ts";
export { toYaml } from "./to-yaml.ts";
export type { TraceLevelName, TraceOnOptions } from "./trace-on.ts";
export { TRACE_LEVELS, turnTracingOn } from "./trace-on.ts";
export type { TracedWorkflow } from "./trace-workflows.ts";
export { followWorkflows, traceWorkflows } from "./trace-workflows.ts";
export type { WorkflowChange, WorkflowSource } from "./watch-workflows.ts";
export { createWorkflowSource } from "./watch-workflows.ts";
export type { PodObject, WorkflowObject } from "./workflow-object.ts";
