import { describe, expect, it } from "vitest";
import { criticalPath, type PathSegment } from "./critical-path.ts";
import { groupByNode } from "./node-groups.ts";
import { buildReport } from "./report.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { manySpansTrace } from "./testing/many-spans-trace.ts";
import { spansOf, traceOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

function pathOf(builder: Parameters<typeof traceOf>[0]): PathSegment[] {
  const trace = traceOf(builder);
  return criticalPath(trace, groupByNode(trace));
}

function tell(path: readonly PathSegment[]): string[] {
  return path.map(({ label, part, detail, seconds }) =>
    [label, part, detail, seconds.toFixed(1)].filter(Boolean).join(" "),
  );
}

/** A pod whose node spans the time; init for the first part, main for the second, wait beside it and after it. */
function addPod(
  builder: ReturnType<typeof createTraceBuilder>,
  name: string,
  at: number,
  parts: { pending?: number; init: number; main: number; after: number },
) {
  const { pending = 0, init, main, after } = parts;
  const attributes = { node_id: name, node_name: name, node_type: "Pod" };
  const node = builder.add({
    name: "node",
    at,
    seconds: pending + init + main + after,
    attributes,
    ok: true,
  });
  const began = at + pending;
  const container = builder.add({ name: "runInitContainer", at: began, seconds: init, parent: node });
  builder.add({
    name: "loadArtifact",
    at: began,
    seconds: init,
    parent: container,
    attributes: { "argo.artifact.name": "input" },
  });
  builder.add({ name: "runMainContainer", at: began + init, seconds: main, parent: node });
  const wait = builder.add({
    name: "runWaitContainer",
    at: began + init,
    seconds: main + after,
    parent: node,
  });
  builder.add({
    name: "saveArtifact",
    at: began + init + main,
    seconds: after,
    parent: wait,
    attributes: { "argo.artifact.name": "output" },
  });
}

describe("criticalPath", () => {
  it("follows the chain of steps back from the end, and leaves out those that ran beside it", () => {
    const builder = createTraceBuilder("diamond");
    builder.add({ name: "workflow", at: 0, seconds: 31, attributes: { name: "wf" }, ok: true });
    addPod(builder, "prepare", 1, { pending: 1, init: 2, main: 3, after: 1 });
    addPod(builder, "quick", 8, { init: 1, main: 1, after: 1 });
    addPod(builder, "slow", 8, { init: 1, main: 10, after: 1 });
    addPod(builder, "join", 21, { init: 4, main: 4, after: 1 });
    expect(tell(pathOf(builder))).toEqual([
      "between 1.0",
      "prepare pending 1.0",
      "prepare load input 2.0",
      "prepare main 3.0",
      "prepare save output 1.0",
      "slow load input 1.0",
      "slow main 10.0",
      "slow save output 1.0",
      "between 1.0",
      "join load input 4.0",
      "join main 4.0",
      "join save output 1.0",
      "between 1.0",
    ]);
  });

  it.each([
    ["a small pipeline", ciCheckoutTrace()],
    ["a trace of many spans", manySpansTrace(500)],
  ])("adds up to the duration of %s, without a gap", (_what, builder) => {
    const trace = traceOf(builder);
    const path = pathOf(builder);
    const total = Number(trace.endUnixNano - trace.startUnixNano) / 1e9;
    expect(path.reduce((sum, { seconds }) => sum + seconds, 0)).toBeCloseTo(total, 6);
    for (const [index, segment] of path.slice(1).entries()) {
      const before = path[index];
      expect(segment.startSeconds).toBeCloseTo((before?.startSeconds ?? 0) + (before?.seconds ?? 0), 6);
    }
  });

  it("takes a pod without a controller's spans by its containers", () => {
    const builder = createTraceBuilder("alone");
    const attributes = { "cicd.pipeline.task.run.id": "wf", "cicd.pipeline.task.name": "main" };
    builder.add({ name: "runInitContainer", at: 0, seconds: 2, attributes });
    builder.add({ name: "runMainContainer", at: 3, seconds: 4, attributes });
    builder.add({ name: "runWaitContainer", at: 3, seconds: 5, attributes });
    expect(tell(pathOf(builder))).toEqual([
      "main load 2.0",
      "main overhead 1.0",
      "main main 4.0",
      "main save 1.0",
    ]);
  });

  it("counts what main's wrapper packs for saving, not for the user's work", () => {
    const builder = createTraceBuilder("packing");
    const attributes = { "cicd.pipeline.task.run.id": "wf", "cicd.pipeline.task.name": "main" };
    const file = (path: string) => ({ file: path, "argo.file.duration": 2 });
    builder.add({
      name: "runMainContainer",
      at: 0,
      seconds: 7,
      attributes,
      events: [
        { name: "process.start", at: 0 },
        { name: "process.end", at: 3 },
        { name: "pack output", at: 3, attributes: file("/tmp/a") },
        { name: "pack output", at: 5, attributes: file("/tmp/b") },
      ],
    });
    builder.add({ name: "runWaitContainer", at: 0, seconds: 9, attributes });
    expect(tell(pathOf(builder))).toEqual(["main main 3.0", "main save 6.0"]);
    expect(buildReport(spansOf(builder)).steps).toMatchObject([{ mainSeconds: 3, afterMainSeconds: 6 }]);
  });

  it("does not take a pod whose containers do not trace for one that only starts and ends", () => {
    const builder = createTraceBuilder("untraced");
    const attributes = { node_id: "wf-1", node_name: "wf.a", node_type: "Pod" };
    const node = builder.add({ name: "node", at: 0, seconds: 20, attributes, ok: true });
    const pending = { node_id: "wf-1", node_phase: "Pending" };
    builder.add({ name: "nodePhase", at: 0, seconds: 8, parent: node, attributes: pending });
    expect(tell(pathOf(builder))).toEqual(["wf.a pending 8.0", "wf.a untraced 12.0"]);
  });

  it("gives all the time to nobody where there is no pod", () => {
    const builder = createTraceBuilder("none");
    builder.add({ name: "startupController", at: 0, seconds: 2 });
    expect(tell(pathOf(builder))).toEqual(["between 2.0"]);
  });
});
