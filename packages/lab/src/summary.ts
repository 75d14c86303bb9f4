import type { Outputs } from "@skein/contract";
import type { NodePhase, NodeType, WorkflowNode } from "./engine/node.ts";
import type { WorkflowIdentity } from "./workflow/globals.ts";

/** `summary.json`: what became of a run. Times are RFC 3339. */
export interface Summary {
  name: string;
  uid: string;
  phase: NodePhase;
  message: string;
  nodes: {
    id: string;
    name: string;
    template: string;
    type: NodeType;
    phase: NodePhase;
    message: string;
    startedAt: string;
    finishedAt: string;
    outputs: Outputs;
  }[];
}

export function summarise(identity: WorkflowIdentity, nodes: readonly WorkflowNode[]): Summary {
  const root = nodes[0];
  return {
    name: identity.name,
    uid: identity.uid,
    phase: root?.phase ?? "Error",
    message: root?.message ?? "",
    nodes: nodes.map((node) => ({
      id: node.id,
      name: node.name,
      template: node.template,
      type: node.type,
      phase: node.phase,
      message: node.message,
      startedAt: node.startedAt.toISOString(),
      finishedAt: (node.finishedAt ?? node.startedAt).toISOString(),
      outputs: node.outputs ?? {},
    })),
  };
}
