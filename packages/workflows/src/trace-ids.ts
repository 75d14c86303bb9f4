import { deriveTraceContext, nodeSpanId, parseTraceparent, type TraceContext } from "@skein/contract";
import type { PodObject, WorkflowObject } from "./workflow-object.ts";

const ANNOTATION_TRACE_ID = "workflows.argoproj.io/trace-id";
const ANNOTATION_SPAN_ID = "workflows.argoproj.io/span-id";

/** Ids that follow from the object alone, so that whoever makes the spans, and however often, makes the same ones. */
export interface TraceIds {
  traceId: string;
  workflow: string;
  workflowPhase(phase: string): string;
  node(nodeId: string): string;
  nodePhase(nodeId: string, phase: string): string;
}

/**
 * The trace is the workflow's UID, as executors derive it when their controller gives them no context; the one
 * the controller gave to the pods, when there are pods that tell (Argo v4.1 does so even without an exporter).
 */
export function traceIds(workflow: WorkflowObject, pods: readonly PodObject[]): TraceIds {
  const uid = workflow.metadata.uid ?? "";
  const given = pods.map(podContext).find((context) => context !== undefined);
  return {
    traceId: given?.traceId ?? deriveTraceContext({ workflowUid: uid, nodeId: uid }).traceId,
    workflow: nodeSpanId(`workflow/${uid}`),
    workflowPhase: (phase) => nodeSpanId(`workflow/${uid}/${phase}`),
    node: nodeSpanId,
    nodePhase: (nodeId, phase) => nodeSpanId(`${nodeId}/${phase}`),
  };
}

/** The controller's `createWorkflowPod` span, below which the executor's spans hang. */
export function podContext(pod: PodObject): TraceContext | undefined {
  const { [ANNOTATION_TRACE_ID]: traceId, [ANNOTATION_SPAN_ID]: spanId } = pod.metadata.annotations ?? {};
  return parseTraceparent(`00-${traceId}-${spanId}-01`);
}
