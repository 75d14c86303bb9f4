import type { OtlpTraceRequest } from "@skein/telemetry";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import { POD_TRACE } from "../support/pods/pod-environment.ts";
import type { PodEnd } from "../support/pods/pod-request.ts";

let cluster: Cluster;
let pod: PodEnd;
beforeAll(async () => {
  cluster = await startCluster();
  const repository = cluster.repository("trace", { archiveLogs: true });
  pod = await runPod(cluster, {
    template: {
      name: "traced",
      script: { source: 'echo "$TRACEPARENT"; echo out >/tmp/out' },
      inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "x" } } as never] },
      outputs: { artifacts: [{ name: "out", path: "/tmp/out" }] },
      archiveLocation: repository,
    },
    argv: ["sh", "/argo/staging/script"],
    env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
  });
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

/** The one span of that name; of `saveArtifact` the one of the artifact, not of the log. */
function span(name: string) {
  const found = pod.spans.filter((candidate) => candidate.name === name && !isOfLog(candidate));
  expect(found, name).toHaveLength(1);
  return found[0] as NonNullable<(typeof found)[0]>;
}

function isOfLog({ parentSpanId }: { parentSpanId: string }): boolean {
  const parent = pod.spans.find(({ spanId }) => spanId === parentSpanId);
  return parent?.name === "saveContainerLogs";
}

it("makes every span of the contract once, each below its parent, in the workflow's trace", () => {
  expect(pod.wait).toMatchObject({ exitCode: 0 });
  const parents: Record<string, string | undefined> = {
    runInitContainer: undefined,
    stageFiles: "runInitContainer",
    loadArtifacts: "runInitContainer",
    loadArtifact: "loadArtifacts",
    unarchiveArtifact: "loadArtifact",
    runMainContainer: undefined,
    runWaitContainer: undefined,
    createTaskResult: "runWaitContainer",
    waitWorkload: "runWaitContainer",
    captureScriptResult: "runWaitContainer",
    saveArtifacts: "runWaitContainer",
    archiveArtifact: "saveArtifact",
    saveLogs: "runWaitContainer",
    saveContainerLogs: "saveLogs",
    patchTaskResult: "runWaitContainer",
    patchTaskResultLabels: "runWaitContainer",
  };
  for (const [name, parent] of Object.entries(parents)) {
    const wanted = parent === undefined ? POD_TRACE.spanId : span(parent).spanId;
    const found = pod.spans.filter(
      (candidate) => candidate.name === name && candidate.parentSpanId === wanted,
    );
    expect(found, `${name} below ${parent ?? "the controller's span"}`).toHaveLength(1);
  }
  expect(new Set(pod.spans.map(({ traceId }) => traceId))).toEqual(new Set([POD_TRACE.traceId]));
});

it("hands the user's process the context of its container's span", () => {
  const { traceId } = POD_TRACE;
  expect(pod.result?.outputs?.result).toBe(`00-${traceId}-${span("runMainContainer").spanId}-01`);
});

it("puts children inside their parents' time", () => {
  for (const child of pod.spans) {
    const parent = pod.spans.find(({ spanId }) => spanId === child.parentSpanId);
    if (!parent) continue;
    const where = `${child.name} in ${parent.name}`;
    expect(BigInt(child.startTimeUnixNano) >= BigInt(parent.startTimeUnixNano) - SLACK, where).toBe(true);
    expect(BigInt(child.endTimeUnixNano) <= BigInt(parent.endTimeUnixNano) + SLACK, where).toBe(true);
  }
});

/** Two processes read the clock: the SDK's and ours may differ by the clock's own resolution. */
const SLACK = 2_000_000n;

it("says what was moved, per artifact, and that nothing failed", () => {
  const attributes = (name: string) =>
    Object.fromEntries(span(name).attributes?.map(({ key, value }) => [key, Object.values(value)[0]]) ?? []);
  expect(attributes("loadArtifact")).toMatchObject({
    "argo.artifact.name": "in",
    "argo.artifact.driver": "raw",
    "argo.artifact.unpacked_bytes": "1",
    "argo.artifact.files": "1",
  });
  expect(attributes("runMainContainer")).toMatchObject({
    name: "wf",
    namespace: "argo",
    "cicd.pipeline.task.name": "traced",
    "k8s.container.name": "main",
    "process.exit.code": "0",
  });
  expect(span("saveArtifacts").events).toEqual([
    expect.objectContaining({
      name: "upload artifact",
      attributes: [{ key: "file", value: { stringValue: "out" } }],
    }),
  ]);
  expect(pod.spans.filter(({ status }) => status.code === 2)).toEqual([]);
});

it.each(["init", "initless"] as const)(
  "is stored beside the pod's logs where nobody else takes it (%s layout), spans of all containers in one document",
  async (layout) => {
    const stored = await runPod(cluster, {
      layout,
      template: {
        name: "stored",
        container: {},
        inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "x" } } as never] },
        archiveLocation: cluster.repository(`stored-${layout}`),
      },
      env: { SKEIN_TRACE_FILE: undefined, SKEIN_TRACE_STORE: "true" },
    });
    expect(stored.wait).toMatchObject({ exitCode: 0 });
    expect(stored.result?.outputs?.artifacts).toBeUndefined(); // it is no output
    expect(cluster.keys(`stored-${layout}`)).toEqual([`stored-${layout}/trace.otlp.json`]);
    const text = cluster.object(`stored-${layout}/trace.otlp.json`)?.toString() ?? "{}";
    const { resourceSpans } = JSON.parse(text) as OtlpTraceRequest;
    const spans = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap((scope) => scope.spans));
    const names = spans.map(({ name }) => name);
    const containers =
      layout === "init" ? ["runInitContainer", "runWaitContainer"] : ["runSupervisorContainer"];
    expect(names).toEqual(
      expect.arrayContaining([...containers, "runMainContainer", "loadArtifact", "patchTaskResultLabels"]),
    );
    expect(new Set(names.filter((name) => name === "loadArtifact" || name.startsWith("run"))).size).toBe(
      names.filter((name) => name === "loadArtifact" || name.startsWith("run")).length,
    );
    const ids = new Set([POD_TRACE.spanId, ...spans.map(({ spanId }) => spanId)]);
    expect(spans.filter(({ parentSpanId }) => !ids.has(parentSpanId))).toEqual([]);
  },
);
