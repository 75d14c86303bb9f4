import { describe, expect, it } from "vitest";
import { buildPageData } from "./page-data.ts";
import { buildReport } from "./report.ts";
import { renderFailuresTerminal } from "./terminal/steps.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";
import { assembleTraces } from "./trace.ts";

describe("buildReport", () => {
  const report = buildReport(spansOf(ciCheckoutTrace()));

  it("tells the workflow, its phase and its length", () => {
    expect(report.traces).toEqual([
      {
        traceId: ciCheckoutTrace().traceId,
        workflow: "ci-checkout-x7k2p",
        namespace: "ci",
        phase: "Failed",
        startedAt: "2026-01-15T09:30:00.000Z",
        seconds: 19.6,
        spans: 77,
        criticalPath: expect.any(Array),
      },
    ]);
  });

  it("divides each step into pending, init, main and what came after", () => {
    expect(report.steps.map(({ label, phase, exitCode }) => [label, phase, exitCode])).toEqual([
      ["checkout", "Succeeded", 0],
      ["test-unit", "Succeeded", 0],
      ["test-lint", "Succeeded", 0],
      ["publish", "Failed", undefined],
    ]);
    const [checkout] = report.steps;
    expect(checkout).toMatchObject({
      seconds: 6.1,
      initSeconds: 1.94,
      mainSeconds: 0.84,
      template: "checkout",
    });
    expect(checkout?.pendingSeconds).toBeCloseTo(0.63, 9);
    expect(checkout?.afterMainSeconds).toBeCloseTo(2.54, 9);
  });

  it("lists the artifacts by node in the order in which they began", () => {
    expect(
      report.artifacts.map(({ node, direction, name, driver }) => [node, direction, name, driver]),
    ).toEqual([
      ["ci-checkout-x7k2p.checkout", "load", "source", "git"],
      ["ci-checkout-x7k2p.checkout", "save", "source", "s3"],
      ["ci-checkout-x7k2p.test-unit", "load", "source", "s3"],
      ["ci-checkout-x7k2p.test-lint", "load", "source", "s3"],
      ["ci-checkout-x7k2p.publish", "load", "coverage", "s3"],
    ]);
  });

  it("names the cause of the failure once, not the spans above it that repeat it", () => {
    expect(report.failures).toMatchObject([
      {
        label: "publish",
        path: ["runInitContainer", "loadArtifacts", "loadArtifact"],
        type: "s3.no_such_key",
        message: "no object s3://skein/ci-checkout-x7k2p/test-unit/coverage.tgz",
      },
    ]);
  });

  it("says with a failure what to do about it, on paper and on the page", () => {
    const builder = createTraceBuilder("remedy");
    builder.add({
      name: "loadArtifact",
      at: 0,
      seconds: 1,
      attributes: { "argo.artifact.name": "in", "argo.error.remedy": "check the key" },
      error: { type: "s3.no_such_key", message: "no object s3://b/k" },
    });
    const failed = buildReport(spansOf(builder));
    expect(failed.failures).toMatchObject([{ type: "s3.no_such_key", remedy: "check the key" }]);
    expect(renderFailuresTerminal(failed).split("\n")).toEqual([
      "Failures",
      "  ✗ outside any pod › loadArtifact",
      "    s3.no_such_key: no object s3://b/k",
      "    → check the key",
      "",
    ]);
    expect(buildPageData(assembleTraces(spansOf(builder)), failed).failures).toMatchObject([
      { remedy: "check the key" },
    ]);
  });

  it("adds up loads and saves", () => {
    expect(report.totals).toMatchObject({ spans: 77, failedSpans: 6 });
    expect(report.totals.save).toEqual({
      artifacts: 1,
      bytes: 12_431_872,
      unpackedBytes: 48_117_760,
      files: 1204,
      seconds: 2.04,
    });
    expect(report.totals.load.artifacts).toBe(4);
  });

  it("can be written as JSON", () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });

  it("repeats the controller's word where nothing in the pod failed", () => {
    const builder = createTraceBuilder("deadline");
    const workflow = builder.add({
      name: "workflow",
      at: 0,
      seconds: 5,
      attributes: { name: "wf" },
      error: { message: "Error" },
    });
    const attributes = { node_id: "wf-1", name: "wf.a", node_type: "Pod" };
    builder.add({
      name: "node",
      at: 0,
      seconds: 5,
      parent: workflow,
      attributes,
      error: { message: "Error" },
    });
    const { failures, steps, traces } = buildReport(spansOf(builder));
    expect(failures.map(({ path, message }) => [path, message])).toContainEqual([["node"], "Error"]);
    expect(steps[0]?.phase).toBe("Error");
    expect(traces[0]?.phase).toBe("Error");
  });

  it("names the workflow of a run that goes on, of which only some phases are over", () => {
    const builder = createTraceBuilder("running");
    const attributes = { name: "wf", namespace: "ci", "cicd.pipeline.name": "wf", phase: "Pending" };
    builder.add({ name: "workflowPhase", at: 0, seconds: 2, attributes });
    const node = { name: "wf", "cicd.pipeline.name": "wf", node_id: "wf-1", node_name: "wf[0].a" };
    builder.add({ name: "node", at: 2, seconds: 5, attributes: node, ok: true });
    const { traces, steps } = buildReport(spansOf(builder));
    expect(traces).toMatchObject([{ workflow: "wf", namespace: "ci", phase: "Unknown" }]);
    expect(steps.map(({ label }) => label)).toEqual(["[0].a"]);
  });

  it("names once what failed deep below a span that went on", () => {
    const builder = createTraceBuilder("went on");
    const error = { type: "file.not_found", message: "no such file" };
    const wait = builder.add({ name: "runWaitContainer", at: 0, seconds: 5, error });
    const saves = builder.add({ name: "saveArtifacts", at: 1, seconds: 1, parent: wait });
    builder.add({ name: "saveArtifact", at: 1, seconds: 1, parent: saves, error });
    builder.add({
      name: "patchTaskResult",
      at: 2,
      seconds: 1,
      parent: saves,
      error: { type: "kubernetes.forbidden", message: "no" },
    });
    expect(buildReport(spansOf(builder)).failures.map(({ path }) => path.at(-1))).toEqual([
      "saveArtifact",
      "patchTaskResult",
    ]);
  });

  it("says that main was ended by the step's deadline", () => {
    const builder = createTraceBuilder("deadline of a step");
    const attributes = { "cicd.pipeline.task.run.id": "wf-1" };
    const error = { type: "SIGTERM", message: "ended by SIGTERM (exit code 143)" };
    builder.add({ name: "runMainContainer", at: 0, seconds: 4, attributes, error });
    const wait = builder.add({ name: "runWaitContainer", at: 0, seconds: 5, attributes });
    builder.add({
      name: "waitWorkload",
      at: 0,
      seconds: 4,
      parent: wait,
      events: [{ name: "deadline", at: 4 }],
    });
    expect(buildReport(spansOf(builder)).failures).toMatchObject([
      {
        type: "SIGTERM",
        remedy: expect.stringMatching(/exceeded its deadline: raise activeDeadlineSeconds/),
      },
    ]);
  });

  it("names the nodes that failed, and not those around them that failed for it", () => {
    const builder = createTraceBuilder("controller only");
    const error = { message: "Failed" };
    const workflow = builder.add({ name: "workflow", at: 0, seconds: 9, attributes: { name: "wf" }, error });
    const dag = { node_id: "wf", node_name: "wf", node_type: "DAG" };
    const root = builder.add({
      name: "node",
      at: 0,
      seconds: 9,
      parent: workflow,
      attributes: dag,
      error,
    });
    for (const name of ["a", "b"]) {
      const attributes = { node_id: `wf-${name}`, node_name: `wf.${name}`, node_type: "Pod" };
      const why = { message: `Failed: ${name} is broken` };
      builder.add({ name: "node", at: 1, seconds: 5, parent: root, attributes, error: why });
    }
    const { failures } = buildReport(spansOf(builder));
    expect(failures.map(({ label, path, message }) => [label, path, message])).toEqual([
      ["a", ["node"], "Failed: a is broken"],
      ["b", ["node"], "Failed: b is broken"],
    ]);
  });

  it("takes the containers of a set for parts of their pod, not for steps that wait for one", () => {
    const builder = createTraceBuilder("container set");
    const pod = { node_id: "wf", node_name: "wf", node_type: "Pod" };
    const parent = builder.add({ name: "node", at: 0, seconds: 20, attributes: pod, ok: true });
    const attributes = { "cicd.pipeline.task.run.id": "wf", "k8s.container.name": "last" };
    builder.add({ name: "runMainContainer", at: 18, seconds: 2, parent, attributes });
    const last = { node_id: "wf-1", node_name: "wf.last", node_type: "Container" };
    const node = builder.add({ name: "node", at: 0, seconds: 20, parent, attributes: last, ok: true });
    const pending = { node_id: "wf-1", node_phase: "Pending" };
    builder.add({ name: "nodePhase", at: 0, seconds: 18, parent: node, attributes: pending });
    const { advice, steps, traces } = buildReport(spansOf(builder));
    expect(steps.map(({ label }) => label)).toEqual(["wf"]);
    expect(traces[0]?.criticalPath.map(({ label }) => label)).toEqual(expect.arrayContaining(["wf"]));
    expect(traces[0]?.criticalPath.filter(({ label }) => label === "last")).toEqual([]);
    expect(advice.map(({ where }) => where)).toEqual(["wf"]);
  });

  it("counts every container of a set for main's work, and no sidecar that outlives the saving", () => {
    const builder = createTraceBuilder("set and sidecar");
    const main = (name: string, at: number, seconds: number, code: number) => {
      const attributes = {
        "cicd.pipeline.task.run.id": "wf",
        "k8s.container.name": name,
        "process.exit.code": code,
      };
      builder.add({ name: "runMainContainer", at, seconds, attributes });
    };
    main("first", 0, 4, 0);
    main("main", 4, 2, 0);
    main("last", 6, 3, 0);
    main("proxy", 0, 14, 143);
    const attributes = { "cicd.pipeline.task.run.id": "wf" };
    const wait = builder.add({ name: "runWaitContainer", at: 0, seconds: 13, attributes });
    builder.add({ name: "waitWorkload", at: 0, seconds: 9, parent: wait });
    const { steps, traces } = buildReport(spansOf(builder));
    expect(steps).toMatchObject([{ mainSeconds: 9, afterMainSeconds: 4, exitCode: 0, phase: "Succeeded" }]);
    expect(traces[0]?.criticalPath.map(({ part, seconds }) => [part, seconds])).toEqual([
      ["main", 9],
      ["save", 4],
      ["overhead", 1],
    ]);
  });

  it("does not take what a supervisor loads while main's wrapper waits for main's work", () => {
    const builder = createTraceBuilder("initless");
    const attributes = { "cicd.pipeline.task.run.id": "wf" };
    const supervisor = builder.add({ name: "runSupervisorContainer", at: 0, seconds: 12, attributes });
    builder.add({ name: "loadArtifacts", at: 0, seconds: 6, parent: supervisor });
    builder.add({
      name: "runMainContainer",
      at: 0,
      seconds: 10,
      attributes,
      events: [
        { name: "process.start", at: 6.5 },
        { name: "process.end", at: 10 },
      ],
    });
    expect(buildReport(spansOf(builder)).steps).toMatchObject([
      { initSeconds: 6, mainSeconds: 3.5, afterMainSeconds: 2 },
    ]);
  });

  it("reads a step's fate from its containers when no controller traced it", () => {
    const builder = createTraceBuilder("pods only");
    const pod = (name: string, exitCode: number) => {
      const resource = { "k8s.pod.name": name };
      const attributes = { "k8s.container.name": "main", "process.exit.code": exitCode };
      builder.add({ name: "runMainContainer", at: 0, seconds: 1, resource, attributes });
      builder.add({
        name: "runMainContainer",
        at: 0,
        seconds: 3,
        resource,
        attributes: { "k8s.container.name": "sidecar" },
      });
      builder.add({ name: "runWaitContainer", at: 0, seconds: 3, resource });
    };
    pod("good", 0);
    pod("bad", 3);
    const steps = buildReport(spansOf(builder)).steps.map(
      ({ label, phase, exitCode, mainSeconds, afterMainSeconds }) => {
        return { label, phase, exitCode, mainSeconds, afterMainSeconds };
      },
    );
    const times = { mainSeconds: 1, afterMainSeconds: 2 };
    expect(steps).toContainEqual({ label: "good", phase: "Succeeded", exitCode: 0, ...times });
    expect(steps).toContainEqual({ label: "bad", phase: "Failed", exitCode: 3, ...times });
  });

  it("is empty for no spans", () => {
    expect(buildReport([])).toMatchObject({
      traces: [],
      steps: [],
      artifacts: [],
      failures: [],
      totals: { spans: 0 },
    });
  });
});
