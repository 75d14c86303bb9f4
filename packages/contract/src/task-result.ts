import {
  API_VERSION,
  LABEL_CONTROLLER_INSTANCE_ID,
  LABEL_REPORT_OUTPUTS_COMPLETED,
  LABEL_WORKFLOW,
} from "./names.ts";
import type { Artifact, Parameter } from "./template.ts";

export interface Outputs {
  parameters?: Parameter[];
  artifacts?: Artifact[];
  result?: string;
  exitCode?: string;
}

export interface OwnerReference {
  apiVersion: string;
  kind: string;
  name: string;
  uid: string;
}

/** The object by which an executor reports (contract §14.1). The results are inlined at the top level. */
export interface WorkflowTaskResult {
  apiVersion: string;
  kind: "WorkflowTaskResult";
  metadata: {
    name: string;
    namespace?: string;
    labels: Record<string, string>;
    ownerReferences: OwnerReference[];
    resourceVersion?: string;
    uid?: string;
    creationTimestamp?: string;
  };
  outputs?: Outputs;
  progress?: string;
}

export interface TaskResultIdentity {
  /** `ARGO_NODE_ID`; also the object's name. Never derived from the pod's name. */
  nodeId: string;
  workflowName: string;
  workflowUid: string;
  /** `ARGO_INSTANCE_ID`; empty or absent when the controller has none. */
  instanceId?: string | undefined;
}

/** The body of a create. The label says that the outputs are not complete yet. */
export function newTaskResult(
  identity: TaskResultIdentity,
  content: Pick<WorkflowTaskResult, "outputs" | "progress"> = {},
): WorkflowTaskResult {
  const labels: Record<string, string> = {
    [LABEL_WORKFLOW]: identity.workflowName,
    [LABEL_REPORT_OUTPUTS_COMPLETED]: "false",
  };
  if (identity.instanceId) labels[LABEL_CONTROLLER_INSTANCE_ID] = identity.instanceId;
  return {
    apiVersion: API_VERSION,
    kind: "WorkflowTaskResult",
    metadata: {
      name: identity.nodeId,
      labels,
      ownerReferences: [
        { apiVersion: API_VERSION, kind: "Workflow", name: identity.workflowName, uid: identity.workflowUid },
      ],
    },
    ...content,
  };
}
