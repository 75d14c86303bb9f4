import { maxOf } from "../html/extremes.js";
import { formatCount, formatSeconds } from "../html/format.js";
import { tickLabel, timeTicks } from "../html/ticks.js";
import { groupByNode, type NodeGroup, pendingExtent, workflowFacts } from "../node-groups.ts";
import { spanSeconds, textAttribute } from "../span.ts";
import { spanDetail } from "../span-label.ts";
import { SPAN_NODE_PHASE, type SpanCategory } from "../span-names.ts";
import type { Trace } from "../trace.ts";
import { blockBar, lineBar, type Stretch } from "./bars.ts";
import { type Fold, foldWaterfall, type VisibleGroup, type VisibleRow } from "./fold.ts";
import {
  clip,
  createPaint,
  type Paint,
  padEnd,
  padStart,
  printable,
  type Style,
  widthOf,
  wrap,
} from "./text.ts";

export interface WaterfallOptions {
  /** Width of the terminal in columns, at least 40. Default 80. */
  columns?: number;
  /** Whether to use ANSI colours. Default false. */
  color?: boolean;
  /** About how many lines the waterfall may have; what does not fit is folded and counted. Default 72. */
  maxRows?: number;
}

const DURATION_COLUMNS = 8;

const CATEGORY_STYLES: Readonly<Record<SpanCategory, Style>> = {
  load: "cyan",
  save: "magenta",
  user: "green",
  container: "blue",
  idle: "grey",
  kubernetes: "yellow",
  controller: "grey",
};

interface Layout {
  readonly paint: Paint;
  readonly columns: number;
  readonly labelColumns: number;
  readonly barColumns: number;
  /** Cells of the bar area that carry a grid line. */
  readonly grid: ReadonlySet<number>;
  readonly stretchOf: (span: { startUnixNano: bigint; endUnixNano: bigint }) => Stretch;
}

/**
 * Draws a trace as lines of text: the workflow, then each pod with its spans below, as bars on one time axis.
 * No line is wider than `columns`; text from the trace is made harmless. Ends with a newline.
 */
export function renderWaterfallTerminal(trace: Trace, options: WaterfallOptions = {}): string {
  const { color = false, maxRows = 72 } = options;
  const columns = Math.max(40, options.columns ?? 80);
  const paint = createPaint(color);
  const labelColumns = Math.min(56, Math.max(22, Math.floor(columns * 0.4)));
  const barColumns = columns - labelColumns - DURATION_COLUMNS - 2;
  const totalNano = Number(trace.endUnixNano - trace.startUnixNano) || 1;
  const axis = timeAxis(totalNano / 1e9, barColumns);
  const layout: Layout = {
    paint,
    columns,
    labelColumns,
    barColumns,
    grid: axis.grid,
    stretchOf: ({ startUnixNano, endUnixNano }) => ({
      from: Number(startUnixNano - trace.startUnixNano) / totalNano,
      to: Number(endUnixNano - trace.startUnixNano) / totalNano,
    }),
  };
  const groups = groupByNode(trace, workflowFacts(trace));
  const folded = foldWaterfall(trace, groups, maxRows);
  const lines = [
    paint("bold", padEnd("Waterfall", labelColumns + DURATION_COLUMNS + 2)) + paint("dim", axis.text),
  ];
  for (const group of folded.groups) lines.push(...groupLines(trace, group, layout));
  if (folded.hiddenGroups.length > 0) {
    const longest = maxOf(folded.hiddenGroups, (group) => spanSeconds(group));
    const what = `${formatCount(folded.hiddenGroups.length)} more pods, the longest ${formatSeconds(longest)}`;
    lines.push(paint("dim", clip(`⋯ ${what}`, columns)));
  }
  if (folded.hiddenSpans > 0) {
    const share = `${formatCount(folded.hiddenSpans)} of ${formatCount(trace.spans.length)} spans`;
    lines.push(paint("dim", clip(`${share} folded (+n), each shorter than those shown`, columns)));
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** As many round moments as leave each label room. */
function timeAxis(seconds: number, width: number): { text: string; grid: ReadonlySet<number> } {
  const { step, ticks } = timeTicks(0, seconds, Math.max(2, Math.floor(width / 9)));
  const grid = new Set<number>();
  let text = "";
  for (const tick of ticks) {
    const cell = Math.floor((tick / seconds) * width);
    const label = `┊${tickLabel(tick, step)}`;
    if (cell < text.length || cell + label.length > width) continue;
    grid.add(cell);
    text = text.padEnd(cell) + label;
  }
  return { text, grid };
}

function groupLines(trace: Trace, { group, rows, hiddenAtTop }: VisibleGroup, layout: Layout): string[] {
  const lines = [headingLine(group, hiddenAtTop, layout)];
  const waiting: { depth: number; fold: Fold }[] = [];
  const settle = (depth: number) => {
    while ((waiting.at(-1)?.depth ?? -1) >= depth) {
      const next = waiting.pop();
      if (next) lines.push(foldLine(next.fold, next.depth, layout));
    }
  };
  for (const row of rows) {
    settle(row.depth);
    lines.push(spanLine(row, layout), ...errorLines(trace, row, layout));
    if (row.fold) waiting.push({ depth: row.depth, fold: row.fold });
  }
  settle(0);
  return lines;
}

/** A node's line: its life as a line, dashed while its pod was pending. */
function headingLine(group: NodeGroup, hidden: number, layout: Layout): string {
  const { paint, barColumns } = layout;
  const node = group.nodeSpan ?? group.rows.find((row) => row.span.name === "workflow")?.span;
  const failed = node ? node.status === "error" : group.rows.some((row) => row.span.status === "error");
  const label = rowLabel(group.label, hidden, layout.labelColumns, failed);
  const life = lineBar(layout.stretchOf(node ?? group), barColumns, "━");
  const cells = barCells(life, "bold", layout);
  const pending = group.nodeId === "" ? undefined : pendingExtent(group);
  if (pending) overlay(cells, lineBar(layout.stretchOf(pending), barColumns, "╌"), "dim");
  const reason = pendingReason(group);
  const line = joinColumns(
    paint(failed ? "red" : "bold", label),
    spanSeconds(node ?? group),
    cells,
    layout,
    "bold",
  );
  return reason ? `${line}\n${paint("yellow", clip(`  pending: ${reason}`, layout.columns))}` : line;
}

/** Why a pod had to wait, such as `ErrImagePull`, where the controller says. */
function pendingReason(group: NodeGroup): string {
  const reasons = group.rows
    .filter(({ span }) => span.name === SPAN_NODE_PHASE)
    .map(({ span }) => textAttribute(span.attributes, "message") ?? "");
  return printable([...new Set(reasons.filter(Boolean))].join(", "));
}

function spanLine(row: VisibleRow, layout: Layout): string {
  const { span, depth, category } = row;
  const failed = span.status === "error";
  const text = `${indentOf(depth + 1, layout)}${span.name} ${spanDetail(span)}`;
  const label = rowLabel(text, row.hidden, layout.labelColumns, failed);
  const stretch = layout.stretchOf(span);
  const bar =
    category === "idle" ? lineBar(stretch, layout.barColumns, "░") : blockBar(stretch, layout.barColumns);
  const style = failed ? "red" : CATEGORY_STYLES[category];
  const cells = barCells(bar, style, layout);
  const unfinished = span.unfinished ? undefined : spanSeconds(span);
  return joinColumns(failed ? layout.paint("red", label) : label, unfinished, cells, layout, "dim");
}

/** Why the span failed, below it; not for spans that only pass on what a span below them says. */
function errorLines(trace: Trace, { span, depth }: VisibleRow, layout: Layout): string[] {
  if (span.status !== "error" || trace.childrenOf(span).some((child) => child.status === "error")) return [];
  const type = textAttribute(span.attributes, "error.type");
  const message = [type, span.statusMessage].filter(Boolean).join(": ");
  if (message === "") return [];
  const indent = indentOf(depth + 2, layout);
  const lines = wrap(printable(message), layout.columns - indent.length - 2);
  return lines.slice(0, 3).map((line) => layout.paint("red", `${indent}${line}`));
}

function foldLine(fold: Fold, depth: number, layout: Layout): string {
  const what =
    fold.name === "" ? `${formatCount(fold.count)} spans` : `${formatCount(fold.count)} × ${fold.name}`;
  const label = rowLabel(`${indentOf(depth + 2, layout)}⋯ ${what}`, 0, layout.labelColumns, false);
  const cells: Cell[] = barCells({ start: 0, text: "" }, "dim", layout);
  for (const span of fold.spans)
    overlay(cells, lineBar(layout.stretchOf(span), layout.barColumns, "▪"), "dim");
  return joinColumns(layout.paint("dim", label), fold.longestSeconds, cells, layout, "dim", "≤ ");
}

/** Two columns for each level, until half of the label is gone. */
function indentOf(depth: number, { labelColumns }: Layout): string {
  return " ".repeat(Math.min(depth * 2, Math.floor(labelColumns / 2)));
}

interface Cell {
  readonly character: string;
  readonly style: Style;
}

function barCells(bar: { start: number; text: string }, style: Style, layout: Layout): Cell[] {
  const cells = Array.from({ length: layout.barColumns }, (_, cell): Cell => {
    return { character: layout.grid.has(cell) ? "┊" : " ", style: "dim" };
  });
  overlay(cells, bar, style);
  return cells;
}

function overlay(cells: Cell[], bar: { start: number; text: string }, style: Style): void {
  for (const [offset, character] of [...bar.text].entries()) {
    if (bar.start + offset < cells.length) cells[bar.start + offset] = { character, style };
  }
}

/** A label of exactly the width, with what is wrong in front and what is hidden behind. */
function rowLabel(text: string, hidden: number, width: number, failed: boolean): string {
  const indent = text.length - text.trimStart().length;
  const mark = failed ? "✗ " : "";
  const suffix = hidden > 0 ? ` +${formatCount(hidden)}` : "";
  const name = clip(printable(text.trim()), width - indent - widthOf(mark) - widthOf(suffix));
  return padEnd(" ".repeat(indent) + mark + name + suffix, width);
}

function joinColumns(
  label: string,
  seconds: number | undefined,
  cells: readonly Cell[],
  layout: Layout,
  durationStyle: Style,
  prefix = "",
): string {
  const duration = seconds === undefined ? "no end" : prefix + formatSeconds(seconds);
  return `${label} ${layout.paint(durationStyle, padStart(duration, DURATION_COLUMNS))} ${paintCells(cells, layout.paint)}`;
}

/** Neighbours of one style share their escape codes. */
function paintCells(cells: readonly Cell[], paint: Paint): string {
  let line = "";
  let run = "";
  let style: Style | undefined;
  for (const cell of cells.slice(0, cells.findLastIndex(({ character }) => character !== " ") + 1)) {
    if (cell.style !== style && style) {
      line += run.trim() === "" ? run : paint(style, run);
      run = "";
    }
    style = cell.style;
    run += cell.character;
  }
  return line + (style && run.trim() !== "" ? paint(style, run) : "");
}
