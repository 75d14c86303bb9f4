import type { ArtifactTransfer, StageName } from "../artifact-transfer.ts";
import type { TransferComparison } from "../compare-transfers.ts";
import { formatBytes, formatCount, formatSeconds } from "../html/format.js";
import type { Report } from "../report.ts";
import { longestStages } from "../verdict.ts";
import { shareCells } from "./bars.ts";
import {
  clip,
  clipMiddle,
  createPaint,
  type Paint,
  padEnd,
  padStart,
  printable,
  type Style,
  widthOf,
  wrap,
} from "./text.ts";

export interface TableOptions {
  /** Width of the terminal in columns, at least 60. Default 80. */
  columns?: number;
  /** Whether to use ANSI colours. Default false. */
  color?: boolean;
}

const STAGE_STYLES: Readonly<Record<StageName, Style>> = {
  credentials: "magenta",
  list: "brightCyan",
  first_byte: "cyan",
  network: "blue",
  retry_wait: "red",
  decompress: "yellow",
  compress: "yellow",
  disk: "green",
  other: "grey",
};

/** Without colour, neighbours in a stage bar differ by shade; the text beside it has the same order. */
const SHADES = ["█", "▓", "▒", "░"];

/** From this width on the stages stand beside the numbers instead of below them. */
const WIDE = 132;
const BAR_CELLS = 24;
/** What fits some screens; the page and the JSON have them all. */
const MAX_COMPARISONS = 25;

const HEADINGS = ["", "", "driver", "wire", "unpacked", "files", "time", "MB/s", "bound by"] as const;
/** Which of the columns hold text, and so are aligned to the left. */
const TEXT_COLUMNS: ReadonlySet<number> = new Set([0, 1, 2, 8]);
const NODE_COLUMN = 1;

/**
 * Loads against saves: what was moved, to and from where, how fast, where the time went, and a closing sentence that
 * says why. No line is wider than `columns`. Ends with a newline; empty when the report has no artifacts.
 */
export function renderTransfersTerminal(report: Report, options: TableOptions = {}): string {
  if (report.artifacts.length === 0) return "";
  const columns = Math.max(60, options.columns ?? 80);
  const paint = createPaint(options.color ?? false);
  const labels = new Map(report.steps.map((step) => [step.node, step.label]));
  const cellsOf = (transfer: ArtifactTransfer) =>
    toCells(transfer, labels.get(transfer.node) ?? transfer.node);
  const widths = columnWidths(report.artifacts.map(cellsOf), columns);
  const layout: TableLayout = { paint, columns, widths, cellsOf, wide: columns >= WIDE };
  const lines = [paint("bold", "Load against save"), paint("dim", joinCells([...HEADINGS], layout))];
  const shown = chooseComparisons(report.comparisons);
  for (const comparison of shown) lines.push("", ...comparisonLines(comparison, layout));
  const left = report.comparisons.length - shown.length;
  if (left > 0)
    lines.push(
      "",
      paint("dim", `⋯ ${formatCount(left)} more objects, each moved in less time than those shown`),
    );
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Those with a failure and then those that took longest, in their order. */
function chooseComparisons(comparisons: readonly TransferComparison[]): readonly TransferComparison[] {
  const weight = ({ transfers }: TransferComparison) =>
    Math.max(...transfers.map(({ error, seconds }) => (error ? Number.MAX_VALUE : seconds)));
  const chosen = new Set(comparisons.toSorted((a, b) => weight(b) - weight(a)).slice(0, MAX_COMPARISONS));
  return comparisons.filter((comparison) => chosen.has(comparison));
}

interface TableLayout {
  readonly paint: Paint;
  readonly columns: number;
  readonly widths: readonly number[];
  readonly wide: boolean;
  readonly cellsOf: (transfer: ArtifactTransfer) => string[];
}

function toCells(transfer: ArtifactTransfer, node: string): string[] {
  const { bytes, unpackedBytes, files, seconds } = transfer;
  const known = (value: number, text: string) => (value > 0 ? text : "–");
  return [
    transfer.direction,
    printable(node),
    printable(transfer.driver),
    known(bytes, formatBytes(bytes)),
    known(unpackedBytes, formatBytes(unpackedBytes)),
    known(files, formatCount(files)),
    formatSeconds(seconds),
    known(bytes * seconds, (bytes / 1e6 / seconds).toFixed(bytes / 1e6 / seconds < 9.95 ? 2 : 1)),
    transfer.error ? "failed" : transfer.boundBy === "none" ? "–" : transfer.boundBy,
  ];
}

/** As wide as their content; where that is too much, the node's name gives way. */
function columnWidths(rows: readonly (readonly string[])[], columns: number): number[] {
  const widths = HEADINGS.map((heading, column) =>
    Math.max(widthOf(heading), ...rows.map((row) => widthOf(row[column] ?? ""))),
  );
  const used = widths.reduce((sum, width) => sum + width + gapOf(columns), 2 - gapOf(columns));
  const node = widths[NODE_COLUMN] ?? 0;
  widths[NODE_COLUMN] = Math.max(6, Math.min(node, 32, node - (used - columns)));
  return widths;
}

function gapOf(columns: number): number {
  return columns >= 100 ? 2 : 1;
}

function joinCells(
  cells: readonly string[],
  { widths, columns }: Pick<TableLayout, "widths" | "columns">,
): string {
  const padded = cells.map((cell, column) => {
    const width = widths[column] ?? 0;
    return TEXT_COLUMNS.has(column) ? padEnd(clip(cell, width), width) : padStart(cell, width);
  });
  return `  ${padded.join(" ".repeat(gapOf(columns)))}`;
}

function comparisonLines(comparison: TransferComparison, layout: TableLayout): string[] {
  const { paint, columns } = layout;
  const names = printable(comparison.names.join(", "));
  const name = clip(names, Math.floor(columns / 2));
  const room = columns - widthOf(name) - 2;
  const lines = [`${paint("bold", name)}  ${paint("dim", clipMiddle(printable(comparison.object), room))}`];
  for (const transfer of comparison.transfers) lines.push(...transferLines(transfer, layout));
  for (const [index, line] of wrap(printable(comparison.answer), columns - 4).entries()) {
    lines.push(`  ${index === 0 ? paint("bold", "→") : " "} ${line}`);
  }
  return lines;
}

function transferLines(transfer: ArtifactTransfer, layout: TableLayout): string[] {
  const { paint, columns, wide } = layout;
  const row = joinCells(layout.cellsOf(transfer), layout);
  const numbers = transfer.error ? paint("red", row) : row;
  const indent = wide ? widthOf(row) + 2 : 7;
  const stages = stageText(transfer, paint, columns - indent);
  return wide ? [`${numbers}  ${stages}`] : [numbers, " ".repeat(indent) + stages];
}

/** The bar, then the stages by name, the longest first, as many as fit. */
function stageText(transfer: ArtifactTransfer, paint: Paint, room: number): string {
  const stages = longestStages(transfer.stages);
  const cells = shareCells(
    stages.map(({ seconds }) => seconds),
    BAR_CELLS,
  );
  const colored = paint("bold", "x") !== "x";
  const bar = stages.map(({ stage }, index) => {
    const shade = colored ? "█" : (SHADES[Math.min(index, SHADES.length - 1)] ?? "░");
    return paint(STAGE_STYLES[stage], shade.repeat(cells[index] ?? 0));
  });
  let text = "";
  let left = room - BAR_CELLS;
  for (const { stage, seconds } of stages) {
    const part = `${stage.replace("_", " ")} ${formatSeconds(seconds)}`;
    const separator = text === "" ? "  " : " · ";
    if (widthOf(separator + part) > left) return `${bar.join("")}${text}${left >= 2 ? " …" : ""}`;
    left -= widthOf(separator + part);
    text += separator + paint(STAGE_STYLES[stage], part);
  }
  return bar.join("") + text;
}
