import { describe, expect, it } from "vitest";
import { groupByNode, pendingExtent } from "./node-groups.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { traceOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

const outline = (group: { rows: readonly { span: { name: string }; depth: number }[] } | undefined) =>
  group?.rows.map((row) => "  ".repeat(row.depth) + row.span.name);

describe("groupByNode", () => {
  it("names the nodes without the workflow's name in front, in the order in which they start", () => {
    const groups = groupByNode(traceOf(ciCheckoutTrace()));
    expect(groups.map((group) => group.label)).toEqual([
      "ci-checkout-x7k2p",
      "checkout",
      "test-unit",
      "test-lint",
      "publish",
    ]);
    expect(groups[1]).toMatchObject({
      name: "ci-checkout-x7k2p.checkout",
      nodeId: "ci-checkout-x7k2p-1408",
      podName: "ci-checkout-x7k2p-checkout-1408",
    });
  });

  it("sets the containers beside the pod's making, in the order of a pod's life", () => {
    const [, , unit] = groupByNode(traceOf(ciCheckoutTrace()));
    const top = unit?.rows.filter((row) => row.depth === 0).map((row) => row.span.name);
    expect(top).toEqual([
      "nodePhase",
      "createWorkflowPod",
      "nodePhase",
      "runInitContainer",
      "runMainContainer",
      "runWaitContainer",
    ]);
  });

  it("keeps the user's own spans below the main container", () => {
    const [, , unit] = groupByNode(traceOf(ciCheckoutTrace()));
    expect(outline(unit)).toContain("    go test ./...");
    expect(unit?.rows.find((row) => row.span.name === "go test ./...")?.category).toBe("user");
  });

  it("shows the spans of a DAG with the workflow's, as it has no pod", () => {
    const [workflow] = groupByNode(traceOf(ciCheckoutTrace()));
    expect(outline(workflow)).toEqual([
      "workflow",
      "  workflowPhase",
      "  workflowPhase",
      "  node",
      "    nodePhase",
    ]);
  });

  it("prefers the template to the name upstream's controller gives a node, which is the workflow's", () => {
    const builder = createTraceBuilder("upstream");
    const workflow = builder.add({ name: "workflow", at: 0, seconds: 9, attributes: { name: "wf" } });
    const attributes = { name: "wf", node_id: "wf-1", node_type: "Pod" };
    const node = builder.add({ name: "node", at: 0, seconds: 9, parent: workflow, attributes });
    const bare = builder.add({
      name: "node",
      at: 1,
      seconds: 8,
      parent: workflow,
      attributes: { ...attributes, node_id: "wf-2" },
    });
    const task = { "cicd.pipeline.task.name": "build", "cicd.pipeline.task.run.id": "wf-1" };
    builder.add({ name: "runInitContainer", at: 1, seconds: 1, parent: node, attributes: task });
    builder.add({ name: "runInitContainer", at: 2, seconds: 1, parent: bare });
    expect(groupByNode(traceOf(builder)).map((group) => group.label)).toEqual(["wf", "build", "wf-2"]);
  });

  it("tells pods of one template apart by their IDs", () => {
    const builder = createTraceBuilder("same template");
    for (const id of ["wf-17", "wf-18"]) {
      const attributes = { name: "wf", "cicd.pipeline.task.name": "build", "cicd.pipeline.task.run.id": id };
      builder.add({ name: "runInitContainer", at: 1, seconds: 1, attributes });
    }
    expect(
      groupByNode(traceOf(builder))
        .map((group) => group.label)
        .sort(),
    ).toEqual(["build (17)", "build (18)"]);
  });

  it("takes a node's name from its span", () => {
    const builder = createTraceBuilder("named");
    const workflow = builder.add({ name: "workflow", at: 0, seconds: 9, attributes: { name: "wf" } });
    builder.add({
      name: "node",
      at: 0,
      seconds: 9,
      parent: workflow,
      attributes: { name: "wf.a", node_id: "wf-1" },
    });
    expect(groupByNode(traceOf(builder)).map((group) => group.label)).toEqual(["wf", "a"]);
  });

  it("finds the pod by its name, its host, or the parent its containers share, where no controller traced", () => {
    const builder = createTraceBuilder("no controller");
    const pod = (resource: Record<string, string>, parent: string) => {
      builder.add({ name: "runInitContainer", at: 0, seconds: 1, parent, resource });
      builder.add({ name: "runWaitContainer", at: 1, seconds: 1, parent, resource });
    };
    pod({ "k8s.pod.name": "pod-a" }, "aaaaaaaaaaaaaaaa");
    pod({ "host.name": "pod-b" }, "bbbbbbbbbbbbbbbb");
    pod({}, "cccccccccccccccc");
    const groups = groupByNode(traceOf(builder));
    expect(groups.map((group) => [group.label, group.rows.length]).sort()).toEqual([
      ["cccccccccccccccc", 2],
      ["pod-a", 2],
      ["pod-b", 2],
    ]);
  });

  it("takes the workflow's name off the steps of a list of steps, so that two runs can be compared", () => {
    const labels = (workflow: string): (string | undefined)[] => {
      const trace = createTraceBuilder("steps");
      const parent = trace.add({ name: "workflow", at: 0, seconds: 4, attributes: { name: workflow } });
      for (const [at, name] of [`${workflow}[0].write`, `${workflow}x[0].other`].entries()) {
        const attributes = { node_id: name, node_name: name };
        trace.add({ name: "node", at, seconds: 2, parent, attributes });
      }
      return groupByNode(traceOf(trace)).map(({ label }) => label);
    };
    expect(labels("wf-a")).toEqual(["wf-a", "[0].write", "wf-ax[0].other"]);
  });

  it("calls a pod of a run that goes on pending from its creation, as long as the node has no span yet", () => {
    const trace = createTraceBuilder("goes-on");
    const attributes = { node_id: "wf-1" };
    const parent = trace.add({ name: "createWorkflowPod", at: 0, seconds: 0.5, attributes });
    trace.add({ name: "runInitContainer", at: 3, seconds: 1, parent, attributes });
    const [group] = groupByNode(traceOf(trace));
    const pending = group && pendingExtent(group);
    expect(pending && Number(pending.endUnixNano - pending.startUnixNano) / 1e9).toBe(3);
  });
});
