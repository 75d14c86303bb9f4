import assert from "node:assert/strict";
import { freePort } from "../../support/free-port.ts";
import { type Case, NEWEST } from "../suite/case.ts";
import { assertArchivedLog, assertSoon, assertSucceeded } from "../suite/expect.ts";

/**
 * Names of spans, each with its parent's; the controller's span is the root. All are contract §20.1's but one: a log is
 * saved by the same means as an artifact, and shows where its time went, too.
 */
const TREE: Readonly<Record<"init" | "initless", readonly string[]>> = {
  init: [
    "controller > runInitContainer",
    "controller > runMainContainer",
    "controller > runWaitContainer",
    "loadArtifact > unarchiveArtifact",
    "loadArtifacts > loadArtifact",
    "runInitContainer > loadArtifacts",
    "runInitContainer > stageFiles",
    "runWaitContainer > captureScriptResult",
    "runWaitContainer > createTaskResult",
    "runWaitContainer > patchTaskResult",
    "runWaitContainer > patchTaskResultLabels",
    "runWaitContainer > saveArtifacts",
    "runWaitContainer > saveLogs",
    "runWaitContainer > waitWorkload",
    "saveArtifact > archiveArtifact",
    "saveArtifacts > saveArtifact",
    "saveContainerLogs > saveArtifact",
    "saveLogs > saveContainerLogs",
  ],
  initless: [
    "controller > runMainContainer",
    "controller > runSupervisorContainer",
    "loadArtifact > unarchiveArtifact",
    "loadArtifacts > loadArtifact",
    "runSupervisorContainer > captureScriptResult",
    "runSupervisorContainer > createTaskResult",
    "runSupervisorContainer > loadArtifacts",
    "runSupervisorContainer > patchTaskResult",
    "runSupervisorContainer > patchTaskResultLabels",
    "runSupervisorContainer > saveArtifacts",
    "runSupervisorContainer > saveLogs",
    "runSupervisorContainer > stageFiles",
    "runSupervisorContainer > waitWorkload",
    "saveArtifact > archiveArtifact",
    "saveArtifacts > saveArtifact",
    "saveContainerLogs > saveArtifact",
    "saveLogs > saveContainerLogs",
  ],
};

/** Spans of HTTP requests, which are the libraries' and not the contract's. */
const isRequest = (name: string): boolean => name.startsWith("HTTP ");

export const TRACING_CASES: readonly Case[] = [
  {
    name: "trace",
    shows: "the whole tree of a pod's spans in the collector, under the names and parents of a v4.1 executor",
    versions: NEWEST,
    async run({ version, world, step }) {
      const end = await step({
        template: {
          name: "trace",
          inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "text" } }] },
          container: { image: world.images.busybox, command: ["sh", "-c", "cat /in; echo out >/tmp/out"] },
          outputs: { artifacts: [{ name: "out", path: "/tmp/out" }] },
        },
      });
      assertSucceeded(end);
      const last = version.layout === "init" ? "runWaitContainer" : "runSupervisorContainer";
      const spans = await end.spans(last);
      const names = new Map(spans.map(({ spanId, name }) => [spanId, name]));
      names.set(end.step.trace.spanId, "controller");
      const edges = spans
        .filter(({ name }) => !isRequest(name))
        .map(({ name, parentSpanId }) => `${names.get(parentSpanId) ?? "nobody"} > ${name}`);
      assert.deepEqual([...new Set(edges)].sort(), TREE[version.layout]);
      for (const { resource } of spans) {
        assert.equal(resource["k8s.pod.name"], end.step.podName);
        assert.equal(resource["k8s.namespace.name"], "argo");
      }
    },
  },
  {
    name: "metrics",
    shows: "each load and save is a point of the duration and the size, by direction and driver",
    versions: NEWEST,
    // Metrics name no pod, so only what came meanwhile is known to be this one's.
    isExclusive: true,
    async run({ world, step }) {
      const before = world.collector.metricPoints().length;
      const end = await step({
        archiveLogs: false,
        template: {
          name: "metrics",
          inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "text" } }] },
          container: { image: world.images.busybox, command: ["sh", "-c", "echo out >/tmp/out"] },
          outputs: { artifacts: [{ name: "out", path: "/tmp/out" }] },
        },
      });
      assertSucceeded(end);
      await assertSoon(() => {
        const points = world.collector.metricPoints().slice(before);
        const found = points.map(({ name, attributes }) =>
          [name, attributes["argo.artifact.direction"], attributes["argo.artifact.driver"]].join(" "),
        );
        assert.deepEqual(found.sort(), [
          "argo.artifact.transfer.duration load raw",
          "argo.artifact.transfer.duration save s3",
          "argo.artifact.transfer.size load raw",
          "argo.artifact.transfer.size save s3",
        ]);
      });
    },
  },
  {
    name: "dead-collector",
    shows: "a collector that is not there takes nothing from the step but a warning",
    async run({ world, step }) {
      const end = await step({
        executorEnv: [{ name: "OTEL_EXPORTER_OTLP_ENDPOINT", value: `http://127.0.0.1:${await freePort()}` }],
        template: {
          name: "dead-collector",
          container: { image: world.images.busybox, command: ["echo", "fine"] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "fine\n");
    },
  },
];
