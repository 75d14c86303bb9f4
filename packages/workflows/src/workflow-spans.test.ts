import { gzipSync } from "node:zlib";
import { deriveTraceContext } from "@skein/contract";
import type { OtlpSpan } from "@skein/telemetry";
import { describe, expect, it } from "vitest";
import { at, ms, newNode, newPod, newWorkflow, TRACE_ID, UID } from "./testing/objects.ts";
import { workflowSpans } from "./workflow-spans.ts";

function attribute(span: OtlpSpan, key: string): string | undefined {
  return span.attributes?.find((pair) => pair.key === key)?.value.stringValue;
}

/** Name, what it is about, and its times in seconds after noon. */
function times(spans: readonly OtlpSpan[]): unknown[] {
  return spans.map((span) => [
    span.name,
    attribute(span, "phase") ?? attribute(span, "node_name") ?? "",
    (Number(span.startTimeUnixNano) / 1e6 - ms(0)) / 1000,
    (Number(span.endTimeUnixNano) / 1e6 - ms(0)) / 1000,
  ]);
}

const STEPS = newNode({ name: "wf", type: "Steps", finishedAt: at(30) });
const POD = newNode({ name: "wf[0].a", id: "wf-1", boundaryID: "wf", finishedAt: at(20) });

describe("workflowSpans", () => {
  it("makes the phases of the workflow, its nodes and theirs, with the times of the objects", () => {
    const spans = workflowSpans(newWorkflow("Succeeded", [STEPS, POD], 31), [newPod("wf-1", 12)]);
    expect(times(spans)).toEqual([
      ["workflow", "", 0, 31],
      ["workflowPhase", "Pending", 0, 2],
      ["workflowPhase", "Running", 2, 31],
      ["nodePhase", "Running", 2, 30],
      ["node", "wf", 2, 30],
      ["nodePhase", "Pending", 2, 12],
      ["nodePhase", "Running", 12, 20],
      ["node", "wf[0].a", 2, 20],
    ]);
  });

  it("gives a pod's node the id that executors without a context hang their spans below", () => {
    const node = workflowSpans(newWorkflow("Succeeded", [STEPS, POD], 31)).find(
      (span) => attribute(span, "node_id") === "wf-1" && span.name === "node",
    );
    const executors = deriveTraceContext({ workflowUid: UID, nodeId: "wf-1" });
    expect(node).toMatchObject({ traceId: executors.traceId, spanId: executors.spanId });
  });

  it("makes the same spans when it is asked again", () => {
    const ask = () => workflowSpans(newWorkflow("Succeeded", [STEPS, POD], 31), [newPod("wf-1", 12)]);
    expect(ask()).toEqual(ask());
    expect(new Set(ask().map((span) => span.spanId)).size).toBe(ask().length);
  });

  it("claims no phases of a pod that nobody can tell about", () => {
    const spans = workflowSpans(newWorkflow("Succeeded", [POD], 31));
    expect(spans.filter((span) => span.name === "nodePhase")).toEqual([]);
    expect(spans.filter((span) => span.name === "node")).toHaveLength(1);
  });

  it("says why a pod that never ran was pending", () => {
    const failed = newNode({ name: "wf", phase: "Error", finishedAt: at(60) });
    const spans = workflowSpans(newWorkflow("Error", [failed], 61), [
      newPod("wf", undefined, { reason: "ErrImagePull" }),
    ]);
    expect(times(spans.filter((span) => span.name === "nodePhase"))).toEqual([
      ["nodePhase", "Pending", 2, 60],
    ]);
    expect(spans.map((span) => attribute(span, "message"))).toContain("ErrImagePull");
    expect(spans.find((span) => span.name === "node")).toMatchObject({
      status: { code: 2, message: "Error" },
    });
  });

  it("does not say of a node that was skipped or omitted that it failed", () => {
    const nodes = ["Skipped", "Omitted"].map((phase) =>
      newNode({ name: phase, type: "Skipped", phase, finishedAt: at(2) }),
    );
    const spans = workflowSpans(newWorkflow("Succeeded", nodes, 3)).filter(({ name }) => name === "node");
    expect(spans.map((span) => [span.status, attribute(span, "cicd.pipeline.task.run.result")])).toEqual([
      [{ code: 0, message: "Skipped" }, "skip"],
      [{ code: 0, message: "Omitted" }, "skip"],
    ]);
  });

  it("leaves out what still runs", () => {
    const running = newNode({ name: "wf", phase: "Running", finishedAt: null });
    expect(times(workflowSpans(newWorkflow("Running", [running]), [newPod("wf", 9)]))).toEqual([
      ["workflowPhase", "Pending", 0, 2],
      ["nodePhase", "Pending", 2, 9],
    ]);
  });

  it("joins the trace that the controller gave the pods, below its createWorkflowPod", () => {
    const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
    const spans = workflowSpans(newWorkflow("Succeeded", [POD], 31), [newPod("wf-1", 12, { traceId })]);
    expect(new Set(spans.map((span) => span.traceId))).toEqual(new Set([traceId]));
    const node = spans.find((span) => span.name === "node");
    expect(spans.find((span) => span.name === "createWorkflowPod")).toMatchObject({
      spanId: "00f067aa0ba902b7",
      parentSpanId: node?.spanId,
    });
  });

  it("nests attempts below their retry node, steps below their group, and the rest below its template's node", () => {
    const nodes = [
      newNode({ name: "wf", type: "Steps", children: ["g0"], finishedAt: at(9) }),
      newNode({
        name: "wf[0]",
        id: "g0",
        type: "StepGroup",
        boundaryID: "wf",
        children: ["r"],
        finishedAt: at(9),
      }),
      newNode({
        name: "wf[0].a",
        id: "r",
        type: "Retry",
        boundaryID: "wf",
        children: ["r0", "r1"],
        finishedAt: at(9),
      }),
      newNode({ name: "wf[0].a(0)", id: "r0", boundaryID: "wf", children: ["g1"], finishedAt: at(9) }),
      newNode({ name: "wf[0].a(1)", id: "r1", boundaryID: "wf", children: ["g1"], finishedAt: at(9) }),
      newNode({
        name: "wf[1]",
        id: "g1",
        type: "StepGroup",
        boundaryID: "wf",
        children: [],
        finishedAt: at(9),
      }),
    ];
    const spans = workflowSpans(newWorkflow("Succeeded", nodes, 10)).filter((span) => span.name === "node");
    const byId = new Map(spans.map((span) => [span.spanId, attribute(span, "node_id")]));
    expect(spans.map((span) => [attribute(span, "node_id"), byId.get(span.parentSpanId) ?? ""])).toEqual([
      ["wf", ""],
      ["g0", "wf"],
      ["r", "g0"],
      ["r0", "r"],
      ["r1", "r"],
      ["g1", "wf"],
    ]);
  });

  it("reads nodes that the controller has compressed, and says where offloaded ones are", () => {
    const workflow = newWorkflow("Succeeded", [POD], 31);
    const packed = gzipSync(JSON.stringify(workflow.status?.nodes)).toString("base64");
    const compressed = { ...workflow, status: { ...workflow.status, nodes: {}, compressedNodes: packed } };
    expect(workflowSpans(compressed)).toEqual(workflowSpans(workflow));
    const offloaded = {
      ...workflow,
      status: { ...workflow.status, nodes: {}, offloadNodeStatusVersion: "fnv:1" },
    };
    expect(() => workflowSpans(offloaded)).toThrow(
      /workflow wf: its nodes are in the controller's database.*argo get wf -n argo/,
    );
  });

  it("links a run to the one it repeats", () => {
    const workflow = newWorkflow("Failed", [], 31);
    workflow.metadata.annotations = { "skein.dev/trace-link": `00-${"a".repeat(32)}-${"b".repeat(16)}-01` };
    expect(workflowSpans(workflow)[0]).toMatchObject({
      traceId: TRACE_ID,
      links: [{ traceId: "a".repeat(32), spanId: "b".repeat(16) }],
    });
  });

  it("passes over nodes without an ID or a name", () => {
    const workflow = newWorkflow("Succeeded", [STEPS], 31);
    Object.assign(workflow.status?.nodes ?? {}, {
      a: null,
      b: { id: "b", type: "StepGroup", children: ["a"] },
    });
    expect(workflowSpans(workflow)).toEqual(workflowSpans(newWorkflow("Succeeded", [STEPS], 31)));
  });
});
