import { ATTR } from "./attribute-names.ts";
import type { Attributes } from "./tracing.ts";

/** What a container's work belongs to. */
export interface RunIdentity {
  workflowName: string;
  workflowUid: string;
  namespace: string;
  templateName: string;
  nodeId: string;
}

/** The attributes of every `run*Container` span: upstream's two, and the conventions' names for the same things. */
export function runAttributes(identity: RunIdentity): Attributes {
  return {
    [ATTR.workflowName]: identity.workflowName,
    [ATTR.workflowNamespace]: identity.namespace,
    [ATTR.pipelineName]: identity.workflowName,
    [ATTR.pipelineRunId]: identity.workflowUid || undefined,
    [ATTR.pipelineTaskName]: identity.templateName || undefined,
    [ATTR.pipelineTaskRunId]: identity.nodeId,
    [ATTR.cicdComponent]: "agent",
  };
}
