import { styleText } from "node:util";
import type { NodePhase, WorkflowNode } from "./engine/node.ts";

export interface RenderOptions {
  /** Columns of the terminal. Default 100. */
  columns?: number;
  /** Use ANSI colours. Default false. */
  color?: boolean;
}

type Style = Parameters<typeof styleText>[0];

const MARKS: Readonly<Record<NodePhase, string>> = {
  Pending: "·",
  Running: "▸",
  Succeeded: "✔",
  Failed: "✖",
  Error: "⚠",
  Omitted: "○",
};

const STYLES: Readonly<Record<NodePhase, Style>> = {
  Pending: "dim",
  Running: "cyan",
  Succeeded: "green",
  Failed: "red",
  Error: "red",
  Omitted: "yellow",
};

interface Row {
  /** Lines of the tree and the name. */
  label: string;
  /** The lines of the tree that go on below it. */
  below: string;
  node: WorkflowNode;
}

/** The nodes as a tree: name, template, phase, how long it took, and what went wrong. Ends with a newline. */
export function renderNodes(nodes: readonly WorkflowNode[], options: RenderOptions = {}): string {
  const [root] = nodes;
  if (!root) return "";
  const rows = [rowOf(root, root.displayName, ""), ...rowsBelow(root, "")];
  const labelColumns = Math.max(...rows.map(({ label }) => label.length));
  const templateColumns = Math.max(...rows.map(({ node }) => node.template.length));
  const phaseColumns = Math.max(...rows.map(({ node }) => node.phase.length));
  return rows
    .map(({ label, below, node }) => {
      const cells = [
        label.padEnd(labelColumns),
        node.template.padEnd(templateColumns),
        paint(`${MARKS[node.phase]} ${node.phase.padEnd(phaseColumns)}`, node.phase, options),
        formatDuration(durationMs(node)).padStart(8),
      ];
      const used = labelColumns + templateColumns + phaseColumns + 2 + 8 + 3 * 2;
      return `${cells.join("  ")}${messageCell(node, below, used, options)}\n`;
    })
    .join("");
}

/** One line for a node that has just changed. */
export function renderChange(node: WorkflowNode, elapsedMs: number, options: RenderOptions = {}): string {
  const duration = node.finishedAt ? `  ${formatDuration(durationMs(node))}` : "";
  const message = node.message === "" ? "" : `  ${node.message}`;
  const time = formatDuration(elapsedMs).padStart(8);
  const phase = paint(`${MARKS[node.phase]} ${node.phase.padEnd(9)}`, node.phase, options);
  return `${time}  ${phase}  ${node.name}${duration}${message}`;
}

function rowsBelow(node: WorkflowNode, indent: string): Row[] {
  return node.children.flatMap((child, index) => {
    const last = index === node.children.length - 1;
    const label = `${indent}${last ? "└─ " : "├─ "}${child.displayName}`;
    const inside = `${indent}${last ? "   " : "│  "}`;
    return [rowOf(child, label, inside), ...rowsBelow(child, inside)];
  });
}

function rowOf(node: WorkflowNode, label: string, indent: string): Row {
  return { label, below: `${indent}${node.children.length > 0 ? "│" : " "}`, node };
}

/** The message beside the row where there is room, else on a line of its own, so that none of it is lost. */
function messageCell(
  { message, phase }: WorkflowNode,
  below: string,
  used: number,
  options: RenderOptions,
): string {
  if (message === "") return "";
  const room = (options.columns ?? 100) - used - 2;
  const text = paint(message, phase, options);
  return message.length <= room ? `  ${text}` : `\n${below}   ${text}`;
}

function paint(text: string, phase: NodePhase, { color = false }: RenderOptions): string {
  return color ? styleText(STYLES[phase], text, { validateStream: false }) : text;
}

function durationMs(node: WorkflowNode): number {
  return (node.finishedAt ?? node.startedAt).getTime() - node.startedAt.getTime();
}

/** `0.42 s`, `12.3 s`, `3 m 05 s` */
export function formatDuration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 100) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  return `${Math.floor(whole / 60)} m ${String(whole % 60).padStart(2, "0")} s`;
}
