import type { AttributeDefinition } from "./attribute-definition.ts";

/** What only the controller's spans carry (executor contract §20.5). */
export const CONTROLLER_ATTRIBUTES = {
  nodeId: {
    key: "node_id",
    type: "string",
    on: "`node`, `nodePhase`, `createWorkflowPod`",
    source: "argo",
    brief: "The node's ID.",
  },
  nodeName: {
    key: "node_name",
    type: "string",
    on: "`node`",
    brief: "The node's name: `name` is the workflow's.",
  },
  nodeType: {
    key: "node_type",
    type: "string",
    on: "`node`",
    source: "argo",
    brief: "`Pod`, `DAG`, `Steps`, …",
  },
  nodePhase: { key: "node_phase", type: "string", on: "`nodePhase`", source: "argo", brief: "As `phase`." },
  phase: {
    key: "phase",
    type: "string",
    on: "`workflowPhase`, `nodePhase`",
    source: "argo",
    brief: "`Pending` or `Running`.",
  },
  message: {
    key: "message",
    type: "string",
    on: "`nodePhase`",
    source: "argo",
    brief: "Why the node was pending, in one word: `ErrImagePull`, `Unschedulable`.",
  },
  taskRunResult: {
    key: "cicd.pipeline.task.run.result",
    type: "string",
    on: "`node`",
    source: "cicd",
    brief: "`success`, `failure` (the user's process), `error` (anything else), `skip`.",
  },
  pipelineResult: {
    key: "cicd.pipeline.result",
    type: "string",
    on: "`workflow`",
    source: "cicd",
    brief: "`success`, `failure`, `error`.",
  },
} as const satisfies Record<string, AttributeDefinition>;
