// For those who run workflows.

export type { NodePhase, NodeType, WorkflowNode } from "./engine/node.ts";
export type { Position, Problem } from "./errors.ts";
export { LabSetupError, WorkflowFileError } from "./errors.ts";
export type { Installation } from "./installation.ts";
export { findInstallation } from "./installation.ts";
export { readLogTail } from "./log-tail.ts";
export type { OutputDirectory } from "./output-directory.ts";
export type { PodLayout } from "./pod/executor-settings.ts";
export type { RenderOptions } from "./render-nodes.ts";
export { formatDuration, renderChange, renderNodes } from "./render-nodes.ts";
export type { RunOptions, WorkflowRun } from "./run-workflow.ts";
export { parseWorkflow, runWorkflow } from "./run-workflow.ts";
export type { Summary } from "./summary.ts";
export type { WorkflowPlan } from "./workflow/types.ts";
