/**
 * Names as they stand on the wire (executor contract §20). A reader keeps its own list: it also reads
 * traces made by versions that no longer, or do not yet, share code with it.
 */
export const SPAN_WORKFLOW = "workflow";
export const SPAN_NODE = "node";
export const SPAN_NODE_PHASE = "nodePhase";
export const SPAN_CREATE_POD = "createWorkflowPod";
export const SPAN_INIT = "runInitContainer";
export const SPAN_MAIN = "runMainContainer";
export const SPAN_WAIT = "runWaitContainer";
export const SPAN_WAIT_WORKLOAD = "waitWorkload";
export const SPAN_SUPERVISOR = "runSupervisorContainer";
export const SPAN_LOAD_ARTIFACTS = "loadArtifacts";
export const SPAN_LOAD_ARTIFACT = "loadArtifact";
export const SPAN_SAVE_ARTIFACT = "saveArtifact";
export const SPAN_SAVE_ARTIFACTS = "saveArtifacts";

/** What a span is about; decides its colour. */
export type SpanCategory = "load" | "save" | "user" | "container" | "idle" | "kubernetes" | "controller";

const CATEGORY_BY_NAME: ReadonlyMap<string, SpanCategory> = new Map<string, SpanCategory>([
  ["stageFiles", "load"],
  [SPAN_LOAD_ARTIFACTS, "load"],
  [SPAN_LOAD_ARTIFACT, "load"],
  ["unarchiveArtifact", "load"],
  ["captureScriptResult", "save"],
  [SPAN_SAVE_ARTIFACTS, "save"],
  [SPAN_SAVE_ARTIFACT, "save"],
  ["archiveArtifact", "save"],
  ["saveLogs", "save"],
  ["saveContainerLogs", "save"],
  [SPAN_INIT, "container"],
  [SPAN_WAIT, "container"],
  [SPAN_SUPERVISOR, "container"],
  [SPAN_MAIN, "user"],
  ["processDataTemplate", "user"],
  [SPAN_WAIT_WORKLOAD, "idle"],
  ["waitClientRateLimiter", "idle"],
  ["tryAcquireLock", "idle"],
  ["createTaskResult", "kubernetes"],
  ["patchTaskResult", "kubernetes"],
  ["patchTaskResultLabels", "kubernetes"],
  [SPAN_WORKFLOW, "controller"],
  ["workflowPhase", "controller"],
  [SPAN_NODE, "controller"],
  [SPAN_NODE_PHASE, "controller"],
  [SPAN_CREATE_POD, "controller"],
  ["reconcileWorkflow", "controller"],
  ["podReconciliation", "controller"],
  ["reconcileTaskResults", "controller"],
  ["reconcileTaskResult", "controller"],
  ["persistUpdates", "controller"],
  ["startupController", "controller"],
  ["startupCacheSync", "controller"],
]);

/** The category of a span; a name we do not know is of its parent's kind: a request of a load is part of the load. */
export function spanCategory(name: string, parent: SpanCategory | undefined): SpanCategory {
  return CATEGORY_BY_NAME.get(name) ?? parent ?? "user";
}
