import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { NAMESPACE, SERVICE_ACCOUNT } from "../cluster/access.ts";
import type { ApiServer } from "../cluster/api-server.ts";
import type { KubeObject } from "../cluster/kube-client.ts";
import type { Pod } from "../controller/pod.ts";

/** `status.nodes[]` of a workflow, as far as the cases look. */
export interface WorkflowNode {
  id: string;
  displayName: string;
  templateName?: string;
  type: string;
  phase: string;
  message?: string;
  outputs?: {
    result?: string;
    exitCode?: string;
    parameters?: { name: string; value?: string }[];
    artifacts?: { name: string; s3?: { key: string } }[];
  };
}

/** A workflow that the controller has finished. */
export interface WorkflowEnd {
  name: string;
  phase: string;
  message: string;
  nodes: WorkflowNode[];
  /** The node with that display name. */
  node(displayName: string): WorkflowNode;
  /** As the controller made them and the API server has them. */
  pods: Pod[];
}

export interface Submitted {
  name: string;
  patch(body: object): Promise<void>;
  /** Resolves when the workflow has a pod whose main container runs. */
  running(): Promise<void>;
  end(): Promise<WorkflowEnd>;
}

interface Status {
  phase?: string;
  message?: string;
  nodes?: Record<string, WorkflowNode>;
}

interface Workflow extends KubeObject {
  status?: Status;
}

const PATH = `/apis/argoproj.io/v1alpha1/namespaces/${NAMESPACE}/workflows`;
const POLL_MS = 100;

/** Creates the workflow; its pods run with the service account that has the documented Role. */
export async function submit(
  { admin }: ApiServer,
  name: string,
  spec: object,
  labels: Readonly<Record<string, string>> = {},
): Promise<Submitted> {
  const { metadata } = await admin.create<Workflow>(PATH, {
    apiVersion: "argoproj.io/v1alpha1",
    kind: "Workflow",
    metadata: { name: `${name}-${randomBytes(3).toString("hex")}`, labels },
    spec: { serviceAccountName: SERVICE_ACCOUNT, entrypoint: "main", ...spec },
  });
  const path = `${PATH}/${metadata.name}`;
  const podsPath = `/api/v1/namespaces/${NAMESPACE}/pods?labelSelector=workflows.argoproj.io/workflow=${metadata.name}`;
  const pods = async (): Promise<(Pod & { status?: PodRunning })[]> =>
    (await admin.get<{ items: Pod[] }>(podsPath)).items;
  return {
    name: metadata.name ?? "",
    patch: async (body) => {
      await admin.patch(path, body);
    },
    async running() {
      const isRunning = ({ status }: { status?: PodRunning }): boolean =>
        status?.containerStatuses?.some(({ name, state }) => name === "main" && state.running) ?? false;
      while (!(await pods()).some(isRunning)) await delay(POLL_MS);
    },
    async end() {
      for (;;) {
        const { metadata: now, status = {} } = await admin.get<Workflow>(path);
        if (now.labels?.["workflows.argoproj.io/completed"] === "true")
          return toEnd(metadata.name ?? "", status, await pods());
        await delay(POLL_MS);
      }
    },
  };
}

interface PodRunning {
  containerStatuses?: { name: string; state: { running?: object } }[];
}

function toEnd(name: string, { phase = "", message = "", nodes = {} }: Status, pods: Pod[]): WorkflowEnd {
  const all = Object.values(nodes);
  return {
    name,
    phase,
    message,
    nodes: all,
    node(displayName) {
      const found = all.find((node) => node.displayName === displayName);
      if (!found)
        throw new Error(`no node ${displayName}: ${all.map((node) => node.displayName).join(", ")}`);
      return found;
    },
    pods,
  };
}
