import { describe, expect, it } from "vitest";
import type { NodePhase, NodeType, WorkflowNode } from "../engine/node.ts";
import { createControllerTrace } from "./controller-trace.ts";

const IDENTITY = { name: "wf", uid: "u", namespace: "argo", createdAt: new Date() };

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue: string } }[];
  status?: { code: number; message?: string };
}

function createTrace() {
  const spans: Span[] = [];
  let clock = 1_000;
  const trace = createControllerTrace(
    IDENTITY,
    ({ resourceSpans }) => {
      for (const { scopeSpans } of resourceSpans as { scopeSpans: { spans: Span[] }[] }[]) {
        for (const scope of scopeSpans) spans.push(...scope.spans);
      }
    },
    () => {
      clock += 1;
      return new Date(clock);
    },
  );
  return { trace, spans };
}

function createNode(id: string, type: NodeType, parent?: WorkflowNode): WorkflowNode {
  const base = {
    id,
    name: id,
    displayName: id,
    template: "t",
    message: "",
    startedAt: new Date(),
    children: [],
  };
  return { ...base, type, phase: "Pending", ...(parent ? { parent } : {}) };
}

function attribute(span: Span | undefined, key: string): string | undefined {
  return span?.attributes.find((entry) => entry.key === key)?.value.stringValue;
}

function move(node: WorkflowNode, phase: NodePhase): WorkflowNode {
  node.phase = phase;
  return node;
}

describe("createControllerTrace", () => {
  it("hangs the pod's context below its node, that below its parent, and all below the workflow", () => {
    const { trace, spans } = createTrace();
    const root = move(createNode("wf", "DAG"), "Running");
    const pod = createNode("wf-1", "Pod", root);
    trace.onChange(root);
    trace.onChange(pod);
    const { context, created } = trace.beginPod(pod);
    created();
    trace.onChange(move(pod, "Running"));
    trace.onChange(move(pod, "Failed"));
    trace.onChange(move(root, "Failed"));
    trace.end("Failed");
    const find = (name: string, id?: string): Span | undefined =>
      spans.find((span) => span.name === name && (id === undefined || attribute(span, "node_id") === id));
    const workflow = find("workflow");
    expect(workflow?.parentSpanId).toBeUndefined();
    expect(find("node", "wf")?.parentSpanId).toBe(workflow?.spanId);
    expect(find("node", "wf-1")?.parentSpanId).toBe(find("node", "wf")?.spanId);
    expect(find("createWorkflowPod")).toMatchObject({
      spanId: context.spanId,
      traceId: context.traceId,
      parentSpanId: find("node", "wf-1")?.spanId,
    });
    expect(context.traceState).toBe("workflow=argo/wf");
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
    expect(find("node", "wf-1")?.status).toEqual({ code: 2, message: "Failed" });
    expect(attribute(find("node", "wf-1"), "name")).toBe("wf");
    expect(attribute(find("node", "wf-1"), "node_name")).toBe("wf-1");
  });

  it("has one producer span per phase that is passed through, without gaps", () => {
    const { trace, spans } = createTrace();
    const pod = createNode("wf", "Pod");
    trace.onChange(pod);
    trace.onChange(move(pod, "Running"));
    trace.onChange(pod); // no change, no span
    trace.onChange(move(pod, "Succeeded"));
    trace.end("Succeeded");
    const phases = spans.filter((span) => span.name === "nodePhase");
    expect(phases.map((span) => [attribute(span, "node_phase"), span.kind])).toEqual([
      ["Pending", 4],
      ["Running", 4],
    ]);
    expect(spans.at(-1)).toMatchObject({ name: "workflow", status: { code: 1 } });
  });

  it("tells of a node that never ran, once", () => {
    const { trace, spans } = createTrace();
    const omitted = move(createNode("wf-1", "Skipped"), "Omitted");
    trace.onChange(omitted);
    trace.onChange(omitted);
    trace.end("Failed");
    expect(spans.map((span) => [span.name, span.status?.message])).toEqual([
      ["node", "Omitted"],
      ["workflow", "Failed"],
    ]);
  });

  it("leaves no span open at the end", () => {
    const { trace, spans } = createTrace();
    trace.onChange(createNode("wf", "Pod"));
    trace.end("Error");
    expect(spans.map((span) => span.name)).toEqual(["nodePhase", "node", "workflow"]);
  });
});
