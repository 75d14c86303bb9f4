import type { NodeStatus, PodObject, WorkflowObject } from "../workflow-object.ts";

export const UID = "0f9c2f55-8a9b-4b7e-9d0e-1a2b3c4d5e6f";
export const TRACE_ID = UID.replaceAll("-", "");

/** Seconds after noon, as Kubernetes writes times. */
export function at(seconds: number): string {
  return new Date(Date.UTC(2026, 0, 1, 12, 0, seconds)).toISOString().replace(".000Z", "Z");
}

export function ms(seconds: number): number {
  return Date.parse(at(seconds));
}

export function newWorkflow(phase: string, nodes: NodeStatus[], finished?: number): WorkflowObject {
  return {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Workflow",
    metadata: { name: "wf", namespace: "argo", uid: UID, creationTimestamp: at(0) },
    spec: { entrypoint: "main" },
    status: {
      phase,
      startedAt: at(2),
      finishedAt: finished === undefined ? null : at(finished),
      nodes: Object.fromEntries(nodes.map((node) => [node.id, node])),
    },
  };
}

export function newNode(facts: Partial<NodeStatus> & { name: string }): NodeStatus {
  return {
    id: facts.name,
    type: "Pod",
    phase: "Succeeded",
    startedAt: at(2),
    templateName: "main",
    ...facts,
  };
}

/** @param ran seconds at which its main container began to run; absent when it never did */
export function newPod(
  nodeId: string,
  ran?: number,
  facts: { reason?: string; traceId?: string } = {},
): PodObject {
  const { reason = "ContainerCreating", traceId } = facts;
  return {
    kind: "Pod",
    metadata: {
      name: `pod-${nodeId}`,
      creationTimestamp: at(2),
      labels: { "workflows.argoproj.io/workflow": "wf" },
      annotations: {
        "workflows.argoproj.io/node-id": nodeId,
        ...(traceId
          ? { "workflows.argoproj.io/trace-id": traceId, "workflows.argoproj.io/span-id": "00f067aa0ba902b7" }
          : {}),
      },
    },
    status: {
      containerStatuses: [
        {
          name: "wait",
          state: ran === undefined ? { waiting: { reason } } : { running: { startedAt: at(ran + 1) } },
        },
        {
          name: "main",
          state: ran === undefined ? { waiting: { reason } } : { terminated: { startedAt: at(ran) } },
        },
      ],
    },
  };
}
