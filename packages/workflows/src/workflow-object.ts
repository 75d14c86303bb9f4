/**
 * As much of Argo's objects as a trace needs: https://argo-workflows.readthedocs.io/en/latest/fields/#workflow
 * Times are RFC 3339 in whole seconds; absent and null both mean "not yet".
 */
export interface WorkflowObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  spec?: { [field: string]: unknown };
  status?: WorkflowStatus;
}

export interface ObjectMeta {
  name?: string;
  generateName?: string;
  namespace?: string;
  uid?: string;
  creationTimestamp?: string | null;
  resourceVersion?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

export interface WorkflowStatus {
  phase?: string;
  message?: string;
  startedAt?: string | null;
  finishedAt?: string | null;
  /** By node ID. */
  nodes?: Record<string, NodeStatus>;
  /** The nodes as JSON, gzipped, in base64, when they are too large for the object. */
  compressedNodes?: string;
  /** Set when the nodes are in the controller's database. */
  offloadNodeStatusVersion?: string;
}

export interface NodeStatus {
  id: string;
  name: string;
  displayName?: string;
  type: string;
  phase: string;
  message?: string;
  templateName?: string;
  templateRef?: { name?: string; template?: string };
  /** The node of the template this one belongs to; absent for the entrypoint. */
  boundaryID?: string;
  children?: string[];
  startedAt?: string | null;
  finishedAt?: string | null;
}

/** https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/ */
export interface PodObject {
  kind?: string;
  metadata: ObjectMeta;
  status?: {
    containerStatuses?: ContainerStatus[];
    initContainerStatuses?: ContainerStatus[];
    conditions?: { type: string; status: string; reason?: string }[];
  };
}

export interface ContainerStatus {
  name: string;
  state?: {
    waiting?: { reason?: string };
    running?: { startedAt?: string };
    terminated?: { startedAt?: string };
  };
}

const FINAL_PHASES: ReadonlySet<string> = new Set(["Succeeded", "Failed", "Error", "Skipped", "Omitted"]);

/** Whether nothing will come after this phase, of a workflow or of a node. */
export function isFinalPhase(phase: string | undefined): boolean {
  return FINAL_PHASES.has(phase ?? "");
}
