import { gunzipSync } from "node:zlib";
import { parseAllDocuments } from "yaml";
import type { NodeStatus, PodObject, WorkflowObject } from "./workflow-object.ts";

/** The text, or an object in it, is not what was asked for. The message names the source and the place. */
export class WorkflowObjectError extends Error {
  override readonly name = "WorkflowObjectError";
}

export interface ReadObjects {
  workflows: WorkflowObject[];
  /** Pods tell when a node stopped being pending, and which trace the controller gave them. */
  pods: PodObject[];
}

/** Nodes gzipped into an object of at most 1.5 MB do not become more than this. */
const MAX_NODES_BYTES = 512 * 1024 * 1024;

/**
 * Reads `kubectl get workflow,pods -o yaml|json`, `argo get -o json`, or a file of several documents. Objects of
 * other kinds are passed over.
 *
 * @param source for messages: a file name, or `stdin`
 * @throws WorkflowObjectError when the text is no YAML, or holds no Workflow
 */
export function readObjects(text: string, source: string): ReadObjects {
  const objects: ReadObjects = { workflows: [], pods: [] };
  for (const document of parseDocuments(text, source)) collect(document, source, objects);
  if (objects.workflows.length === 0) {
    throw new WorkflowObjectError(`${source} holds no Workflow (kind: Workflow)`);
  }
  return objects;
}

/** JSON is YAML, too, but the YAML parser needs seconds for a workflow of thousands of nodes. */
function parseDocuments(text: string, source: string): unknown[] {
  try {
    return [JSON.parse(text)];
  } catch {
    return parseAllDocuments(text).map((document) => {
      const [problem] = document.errors;
      if (problem) throw new WorkflowObjectError(`${source}: ${problem.message}`);
      return document.toJS();
    });
  }
}

function collect(value: unknown, source: string, into: ReadObjects): void {
  if (!isRecord(value)) return;
  if (Array.isArray(value.items)) {
    for (const item of value.items) collect(item, source, into);
  } else if (value.kind === "Workflow") {
    into.workflows.push(checkWorkflow(value, source));
  } else if (value.kind === "Pod" && isRecord(value.metadata)) {
    into.pods.push(value as unknown as PodObject);
  }
}

/** A workflow that the API server has seen: one without a UID has never run. */
function checkWorkflow(value: Record<string, unknown>, source: string): WorkflowObject {
  const metadata = isRecord(value.metadata) ? value.metadata : {};
  const name = String(metadata.name ?? metadata.generateName ?? "without a name");
  if (typeof metadata.uid !== "string" || metadata.uid === "") {
    throw new WorkflowObjectError(
      `${source}: workflow ${name} has no metadata.uid, so it has not run; give the object as the cluster has it (kubectl get workflow ${name} -o yaml)`,
    );
  }
  return value as unknown as WorkflowObject;
}

/**
 * The nodes of a workflow, unpacked when the controller has compressed them.
 *
 * @throws WorkflowObjectError when they are elsewhere, or damaged
 */
export function readNodes({ metadata, status }: WorkflowObject): NodeStatus[] {
  if (status?.nodes && Object.keys(status.nodes).length > 0) return usableNodes(status.nodes);
  if (status?.compressedNodes) {
    try {
      const packed = Buffer.from(status.compressedNodes, "base64");
      const text = gunzipSync(packed, { maxOutputLength: MAX_NODES_BYTES }).toString("utf8");
      return usableNodes(JSON.parse(text) as Record<string, unknown>);
    } catch (error) {
      throw new WorkflowObjectError(
        `workflow ${metadata.name}: status.compressedNodes cannot be unpacked: ${(error as Error).message}`,
      );
    }
  }
  if (status?.offloadNodeStatusVersion) {
    throw new WorkflowObjectError(
      `workflow ${metadata.name}: its nodes are in the controller's database (offloadNodeStatusVersion); take them from the Argo server: argo get ${metadata.name} -n ${metadata.namespace ?? "default"} -o json | skein trace -`,
    );
  }
  return [];
}

/** Whoever edits an object by hand, or cuts one short for a bug report, leaves nodes without an ID or a name. */
function usableNodes(nodes: Readonly<Record<string, unknown>>): NodeStatus[] {
  return Object.values(nodes).filter(
    (node): node is NodeStatus & Record<string, unknown> =>
      isRecord(node) && typeof node.id === "string" && typeof node.name === "string",
  );
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
