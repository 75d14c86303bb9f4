import type { Outputs } from "@skein/contract";

/** `Container` is one of a containerSet, `Retry` the parent of a template's attempts; `Skipped` is the type of a node that never ran. */
export type NodeType = "Pod" | "Container" | "Steps" | "StepGroup" | "DAG" | "Retry" | "Skipped";

/** `Pending` and `Running` are passed through; the others are final. */
export type NodePhase = "Pending" | "Running" | "Succeeded" | "Failed" | "Error" | "Omitted";

/** One box of the picture Argo draws of a workflow. */
export interface WorkflowNode {
  id: string;
  /** The way to it, such as `my-wf[0].build`. */
  name: string;
  /** What its author called it: the step's or task's name, `[0]` of a step group, the workflow's name; `build(0)` of an attempt. */
  displayName: string;
  /** Empty for a step group. */
  template: string;
  type: NodeType;
  phase: NodePhase;
  message: string;
  startedAt: Date;
  finishedAt?: Date;
  outputs?: Outputs;
  /** Pods only. */
  podName?: string;
  parent?: WorkflowNode;
  children: WorkflowNode[];
}

export function isFailure(node: WorkflowNode): boolean {
  return node.phase === "Failed" || node.phase === "Error";
}

export function isFinal(phase: NodePhase): boolean {
  return phase !== "Pending" && phase !== "Running";
}
