import { type ArtifactTransfer, type PartName, partsOf, wholeSeconds } from "../artifact-transfer.ts";
import type { TransferComparison } from "../compare-transfers.ts";
import { maxOf } from "../html/extremes.js";
import { formatBytes, formatCount, formatSeconds } from "../html/format.js";
import type { Report } from "../report.ts";
import { longestStages } from "../verdict.ts";
import { shareCells } from "./bars.ts";
import { type Column, type JoinCells, layOutColumns } from "./columns.ts";
import { clip, clipMiddle, createPaint, type Paint, printable, type Style, widthOf, wrap } from "./text.ts";

export interface TableOptions {
  /** Width of the terminal in columns, at least 60. Default 80. */
  columns?: number;
  /** Whether to use ANSI colours. Default false. */
  color?: boolean;
}

const STAGE_STYLES: Readonly<Record<PartName, Style>> = {
  packing: "yellow",
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

const COLUMNS: readonly Column[] = [
  { heading: "", align: "left" },
  { heading: "", align: "left", most: 32, narrow: "shrink" },
  { heading: "driver", align: "left", most: 12, narrow: "drop" },
  { heading: "wire", align: "right" },
  { heading: "unpacked", align: "right", narrow: "drop" },
  { heading: "files", align: "right", narrow: "drop" },
  { heading: "time", align: "right" },
  { heading: "MB/s", align: "right" },
  { heading: "bound by", align: "left" },
];

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
  const joinCells = layOutColumns(COLUMNS, report.artifacts.map(cellsOf), columns);
  const layout: TableLayout = { paint, columns, joinCells, cellsOf, wide: columns >= WIDE };
  const lines = [
    paint("bold", "Load against save"),
    paint("dim", joinCells(COLUMNS.map(({ heading }) => heading))),
  ];
  const shown = chooseComparisons(report.comparisons);
  for (const comparison of shown) lines.push("", ...comparisonLines(comparison, layout));
  const left = report.comparisons.length - shown.length;
  if (left > 0) lines.push("", paint("dim", `⋯ ${formatCount(left)} more, each moved in less time`));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Those with a failure and then those that took longest, in their order. */
function chooseComparisons(comparisons: readonly TransferComparison[]): readonly TransferComparison[] {
  const weight = ({ transfers }: TransferComparison) =>
    maxOf(transfers, (transfer) => (transfer.error ? Number.MAX_VALUE : wholeSeconds(transfer)));
  const chosen = new Set(comparisons.toSorted((a, b) => weight(b) - weight(a)).slice(0, MAX_COMPARISONS));
  return comparisons.filter((comparison) => chosen.has(comparison));
}

interface TableLayout {
  readonly paint: Paint;
  readonly columns: number;
  readonly joinCells: JoinCells;
  readonly wide: boolean;
  readonly cellsOf: (transfer: ArtifactTransfer) => string[];
}

function toCells(transfer: ArtifactTransfer, node: string): string[] {
  const { bytes, unpackedBytes, files } = transfer;
  const seconds = wholeSeconds(transfer);
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
  const { paint, columns, wide, joinCells } = layout;
  const row = joinCells(layout.cellsOf(transfer));
  const numbers = transfer.error
    ? paint("red", row.trimEnd()) + " ".repeat(row.length - row.trimEnd().length)
    : row;
  const indent = wide ? widthOf(row) + 2 : 7;
  const stages = stageText(transfer, paint, columns - indent);
  return wide ? [`${numbers}  ${stages}`] : [numbers, " ".repeat(indent) + stages];
}

/** The bar, then the stages by name, the longest first, as many as fit. */
function stageText(transfer: ArtifactTransfer, paint: Paint, room: number): string {
  const stages = longestStages(partsOf(transfer));
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
