import { describe, expect, it } from "vitest";
import type { NodePhase, WorkflowNode } from "./engine/node.ts";
import { formatDuration, renderChange, renderNodes } from "./render-nodes.ts";

function createNode(
  displayName: string,
  phase: NodePhase,
  parent?: WorkflowNode,
  message = "",
): WorkflowNode {
  const node: WorkflowNode = {
    id: displayName,
    name: parent ? `${parent.name}.${displayName}` : displayName,
    displayName,
    template: "t",
    type: "Pod",
    phase,
    message,
    startedAt: new Date(0),
    finishedAt: new Date(1500),
    children: [],
    ...(parent ? { parent } : {}),
  };
  parent?.children.push(node);
  return node;
}

describe("renderNodes", () => {
  const root = createNode("wf", "Failed");
  const inner = createNode("inner", "Failed", root);
  const nodes = [
    root,
    inner,
    createNode("a", "Succeeded", inner),
    createNode("b", "Failed", inner, "main: Error (exit code 3)"),
    createNode("last", "Omitted", root),
  ];

  it("draws the tree with phases, durations and what went wrong", () => {
    expect(renderNodes(nodes)).toBe(`wf        t  ✖ Failed       1.50 s
├─ inner  t  ✖ Failed       1.50 s
│  ├─ a   t  ✔ Succeeded    1.50 s
│  └─ b   t  ✖ Failed       1.50 s  main: Error (exit code 3)
└─ last   t  ○ Omitted      1.50 s
`);
  });

  it("gives a message a line of its own where there is no room, and loses none of it", () => {
    const up = createNode("up", "Failed");
    const between = createNode("between", "Failed", up, "m".repeat(40));
    createNode("child", "Failed", between);
    createNode("after", "Failed", up);
    expect(renderNodes([up], { columns: 50 })).toBe(`up           t  ✖ Failed    1.50 s
├─ between   t  ✖ Failed    1.50 s
│  │   ${"m".repeat(40)}
│  └─ child  t  ✖ Failed    1.50 s
└─ after     t  ✖ Failed    1.50 s
`);
    expect(renderNodes(nodes, { columns: 50 })).toContain("1.50 s\n│         main: Error (exit code 3)\n");
  });

  it("uses colours only when told to", () => {
    expect(renderNodes(nodes)).not.toContain("\u001b[");
    expect(renderNodes(nodes, { color: true })).toContain("\u001b[31m✖ Failed");
  });

  it("has nothing to draw for no nodes", () => {
    expect(renderNodes([])).toBe("");
  });
});

describe("renderChange", () => {
  it("is one line with the time, the phase and the node", () => {
    const node = createNode("b", "Failed", createNode("wf", "Running"), "boom");
    expect(renderChange(node, 12_345)).toBe("  12.3 s  ✖ Failed     wf.b  1.50 s  boom");
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0.00 s"],
    [421, "0.42 s"],
    [12_340, "12.3 s"],
    [185_000, "3 m 05 s"],
    [119_999, "2 m 00 s"],
  ])("writes %d ms as %s", (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
