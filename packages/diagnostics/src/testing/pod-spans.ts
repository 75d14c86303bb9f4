import type { createTraceBuilder, SpanInput } from "./trace-builder.ts";

export const WORKFLOW = "ci-checkout-x7k2p";
export const SOURCE_KEY = `${WORKFLOW}/checkout/source.tgz`;

export type Builder = ReturnType<typeof createTraceBuilder>;
/** Adds a span of the pod; `container` is the one that made it. */
export type Add = (input: Omit<SpanInput, "resource"> & { container?: string }) => string;

export const controller = {
  scope: "workflow-controller",
  resource: { "service.name": "workflow-controller" },
};

/** The controller's spans of one node, and a function that adds spans of its pod below them. */
export function pod(
  trace: Builder,
  workflow: string,
  node: { name: string; id: string; at: number; seconds: number; pending: number; failed?: boolean },
): { add: Add; parent: string; facts: Record<string, string> } {
  const nodeId = `${WORKFLOW}-${node.id}`;
  const nodeSpan = trace.add({
    name: "node",
    at: node.at,
    seconds: node.seconds,
    parent: workflow,
    attributes: {
      node_id: nodeId,
      name: WORKFLOW,
      node_name: `${WORKFLOW}.${node.name}`,
      namespace: "ci",
      node_type: "Pod",
    },
    ...(node.failed ? { error: { message: "Failed" } } : { ok: true }),
    ...controller,
  });
  const below = { parent: nodeSpan, ...controller };
  const parent = trace.add({
    name: "createWorkflowPod",
    at: node.at + 0.004,
    seconds: 0.018,
    attributes: { node_id: nodeId },
    ...below,
  });
  const pending = { node_id: nodeId, node_phase: "Pending" };
  trace.add({
    name: "nodePhase",
    at: node.at,
    seconds: node.pending,
    kind: 4,
    attributes: pending,
    ...below,
  });
  const running = { node_id: nodeId, node_phase: "Running" };
  const runningSeconds = node.seconds - node.pending;
  trace.add({
    name: "nodePhase",
    at: node.at + node.pending,
    seconds: runningSeconds,
    kind: 4,
    attributes: running,
    ...below,
  });
  const facts = {
    name: WORKFLOW,
    namespace: "ci",
    "cicd.pipeline.name": "ci-checkout",
    "cicd.pipeline.run.id": "8c5c2f6a-6f0e-4c7f-9e38-5a5ad1a3a3d5",
    "cicd.pipeline.task.name": node.name,
    "cicd.pipeline.task.run.id": nodeId,
    "cicd.system.component": "agent",
  };
  const add: Add = ({ container = "main", ...input }) => {
    const resource = {
      "service.name": "argoexec",
      "service.version": "0.1.0",
      "k8s.namespace.name": "ci",
      "k8s.pod.name": `${WORKFLOW}-${node.name}-${node.id}`,
      "k8s.container.name": container,
      "k8s.node.name": "worker-2",
    };
    return trace.add({ ...input, resource });
  };
  return { add, parent, facts };
}

export function loadSource(parts: {
  add: Add;
  parent: string;
  facts: Record<string, string>;
  at: number;
  seconds: number;
}): string {
  const { add, parent, facts, at, seconds } = parts;
  const init = add({
    name: "runInitContainer",
    at,
    seconds: seconds + 0.15,
    parent,
    attributes: facts,
    container: "init",
  });
  add({ name: "stageFiles", at: at + 0.03, seconds: 0.002, parent: init, container: "init" });
  const loads = add({
    name: "loadArtifacts",
    at: at + 0.05,
    seconds: seconds + 0.01,
    parent: init,
    container: "init",
    attributes: {
      "argo.artifacts.count": 1,
      "argo.artifacts.bytes": 12_431_872,
      "argo.artifacts.files": 1204,
    },
    events: [{ name: "download artifact", at: at + 0.05, attributes: { file: "source" } }],
  });
  const network = seconds * 0.72;
  const files = Array.from({ length: 48 }, (_, index) => ({
    name: "download file",
    at: at + 0.1 + (seconds * index) / 50,
    attributes: {
      file: `internal/checkout/part-${String(index).padStart(2, "0")}.go`,
      "file.size": 900 + ((index * 7919) % 61) * 1370 * (1 + (index % 5)),
      "argo.file.duration": 0.004 + (((index * 104_729) % 97) / 97) * 0.12,
      "argo.file.offset": index * 1_000_000,
    },
  }));
  return add({
    name: "loadArtifact",
    at: at + 0.05,
    seconds,
    parent: loads,
    container: "init",
    attributes: {
      path: "/argo/inputs/artifacts/source",
      ...transfer({
        name: "source",
        driver: "s3",
        archive: "tar",
        bytes: 12_431_872,
        unpacked: 48_117_760,
        files: 1204,
        streams: 1,
      }),
      ...s3Facts(SOURCE_KEY),
      "argo.artifact.files.unlisted": 1156,
      ...stages({
        credentials: 0.03,
        first_byte: 0.11,
        network,
        decompress: 0.82,
        disk: seconds - network - 0.97,
      }),
      "argo.artifact.bound_by": "network",
      "argo.artifact.verdict": `network-bound: 1 stream at ${(12.431872 / seconds).toFixed(1)} MB/s`,
    },
    events: files,
  });
}

export function waitParts(
  add: Add,
  parent: string,
  at: { createAt: number; waitAt: number; mainEnd: number },
): void {
  const container = "wait";
  add({ name: "createTaskResult", at: at.createAt, seconds: 0.041, parent, container });
  add({ name: "waitWorkload", at: at.waitAt, seconds: at.mainEnd - at.waitAt + 0.012, parent, container });
  add({ name: "captureScriptResult", at: at.mainEnd + 0.02, seconds: 0.001, parent, container });
}

export function finish(add: Add, parent: string, at: number): void {
  const container = "wait";
  const logs = add({ name: "saveLogs", at, seconds: 0.2, parent, container });
  add({
    name: "saveContainerLogs",
    at: at + 0.01,
    seconds: 0.18,
    parent: logs,
    container,
    attributes: { container_name: "main" },
  });
  add({ name: "patchTaskResult", at: at + 0.22, seconds: 0.035, parent, container });
  add({ name: "patchTaskResultLabels", at: at + 0.26, seconds: 0.03, parent, container });
}

export function mainFacts(facts: Record<string, string>, exitCode: number): Record<string, string | number> {
  return { ...facts, "k8s.container.name": "main", "process.exit.code": exitCode };
}

export function transfer(of: {
  name: string;
  driver: string;
  archive: string;
  bytes: number;
  unpacked: number;
  files: number;
  streams: number;
}): Record<string, string | number> {
  return {
    "argo.artifact.name": of.name,
    "argo.artifact.driver": of.driver,
    "argo.artifact.archive": of.archive,
    "argo.artifact.bytes": of.bytes,
    "argo.artifact.unpacked_bytes": of.unpacked,
    "argo.artifact.files": of.files,
    "argo.artifact.streams": of.streams,
    "argo.artifact.retries": 0,
  };
}

export function s3Facts(key: string): Record<string, string> {
  return {
    "argo.artifact.key": key,
    "aws.s3.bucket": "skein",
    "aws.s3.key": key,
    "server.address": "minio.storage.svc",
  };
}

export function stages(seconds: Record<string, number>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(seconds).map(([stage, value]) => [`argo.artifact.time.${stage}`, value]),
  );
}
