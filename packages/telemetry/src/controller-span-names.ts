import type { SpanDefinition } from "./span-names.ts";

/**
 * The spans of a workflow controller that traces (argo-workflows:util/telemetry/traces_list.go; executor contract
 * §20.5). `skein trace` makes them from the Workflow object where the controller did not.
 */
export const CONTROLLER_SPANS = {
  workflow: {
    parent: "–",
    upstream: true,
    brief: "The workflow, from its creation to its end.",
  },
  workflowPhase: {
    parent: "`workflow`",
    upstream: true,
    brief: "The time the workflow spent in one `phase`: `Pending`, `Running`.",
  },
  node: {
    parent: "the `node` it belongs to, else `workflow`",
    upstream: true,
    brief:
      "One node. Its id is derived from the node's ID, so the containers' spans of a controller that gives no context hang below it.",
  },
  nodePhase: {
    parent: "`node`",
    upstream: true,
    brief: "The time a node spent in one `phase`; of kind PRODUCER.",
  },
  createWorkflowPod: {
    parent: "`node`",
    upstream: true,
    brief: "The controller's making of the pod, from its annotations; its duration is not known, and is 0.",
  },
} as const satisfies Record<string, SpanDefinition>;

export type ControllerSpanName = keyof typeof CONTROLLER_SPANS;
