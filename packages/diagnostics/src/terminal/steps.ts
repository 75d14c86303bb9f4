import { maxOf } from "../html/extremes.js";
import { formatBytes, formatCount, formatSeconds } from "../html/format.js";
import type { Report, TraceSummary, TransferTotals } from "../report.ts";
import type { StepReport } from "../step-report.ts";
import { shareCells } from "./bars.ts";
import { type Column, layOutColumns } from "./columns.ts";
import { clip, createPaint, type Paint, printable, type Style, widthOf, wrap } from "./text.ts";
import type { TableOptions } from "./transfers.ts";

/** What fits a screen or two; the page and the JSON have them all. */
const MAX_STEPS = 40;
const MAX_FAILURES = 20;

const PHASE_STYLES: ReadonlyMap<string, Style> = new Map<string, Style>([
  ["Succeeded", "green"],
  ["Failed", "red"],
  ["Error", "red"],
]);

/** One line per trace: the workflow, its phase, how long it took. */
export function renderHeadlineTerminal(report: Report, options: TableOptions = {}): string {
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  return report.traces.map((trace) => `${headline(trace, paint, columns)}\n`).join("");
}

function headline(trace: TraceSummary, paint: Paint, columns: number): string {
  const name = clip(printable(trace.workflow || "a trace without a workflow"), columns - 40);
  const phase =
    trace.phase === "Unknown" ? "" : `  ${paint(phaseStyle(trace.phase), printable(trace.phase))}`;
  const facts = `  ${formatSeconds(trace.seconds)} · ${formatCount(trace.spans)} spans`;
  const used = widthOf(name) + (phase ? trace.phase.length + 2 : 0) + facts.length;
  const id = columns - used >= 44 ? ` · trace ${trace.traceId}` : "";
  return `${paint("bold", name)}${phase}${paint("dim", facts + id)}`;
}

function phaseStyle(phase: string): Style {
  return PHASE_STYLES.get(phase) ?? "yellow";
}

const PARTS = [
  { title: "pending", of: (step: StepReport) => step.pendingSeconds },
  { title: "init", of: (step: StepReport) => step.initSeconds },
  { title: "main", of: (step: StepReport) => step.mainSeconds },
  { title: "after", of: (step: StepReport) => step.afterMainSeconds },
] as const;

const PART_STYLES: readonly Style[] = ["grey", "cyan", "green", "magenta"];
const PART_SHADES = ["░", "▒", "█", "▓"];

const NAME_COLUMN = 0;
const PHASE_COLUMN = 1;
const TIME_COLUMN = 2;

const COLUMNS: readonly Column[] = [
  { heading: "", align: "left", most: 40, narrow: "shrink" },
  { heading: "", align: "left", most: 12 },
  { heading: "time", align: "right" },
  ...PARTS.map(({ title }) => ({ heading: title, align: "right" as const, narrow: "drop" as const })),
];

function toCells(step: StepReport): string[] {
  const durations = [step.seconds, ...PARTS.map((part) => part.of(step))];
  const texts = durations.map((seconds) => (seconds > 0 ? formatSeconds(seconds) : "–"));
  return [printable(step.label), printable(step.phase), ...texts];
}

function paintCell(column: number, text: string, step: StepReport, paint: Paint): string {
  if (column === NAME_COLUMN) return text;
  if (column === PHASE_COLUMN) return paint(phaseStyle(step.phase), text);
  return paint(column === TIME_COLUMN ? "bold" : "dim", text);
}

/**
 * The steps with their phases, and what their time went into: waiting for a pod, loading, the user's own
 * work, saving. Ends with a newline; empty when the trace shows no steps.
 */
export function renderStepsTerminal(report: Report, options: TableOptions = {}): string {
  if (report.steps.length === 0) return "";
  const columns = Math.max(60, options.columns ?? 80);
  const paint = createPaint(options.color ?? false);
  const shown = chooseSteps(report.steps);
  const rows = shown.map(toCells);
  const joinCells = layOutColumns(COLUMNS, rows, columns);
  const heading = joinCells(COLUMNS.map((column) => column.heading));
  const barColumns = Math.min(48, columns - widthOf(heading) - 2);
  const longest = maxOf(shown, sumOfParts);
  const lines = [paint("bold", "Steps"), paint("dim", heading.trimEnd())];
  for (const [index, step] of shown.entries()) {
    const line = joinCells(rows[index] ?? [], (column, text) => paintCell(column, text, step, paint));
    lines.push(barColumns >= 12 ? `${line}  ${partBar(step, longest, barColumns, paint)}` : line);
  }
  const left = report.steps.length - shown.length;
  if (left > 0) lines.push(paint("dim", `  ⋯ ${formatCount(left)} more, each shorter than those shown`));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** Those that did not succeed and then the longest, in their order. */
function chooseSteps(steps: readonly StepReport[]): readonly StepReport[] {
  const succeeded = (step: StepReport) => Number(step.phase === "Succeeded");
  const byWeight = steps.toSorted((a, b) => succeeded(a) - succeeded(b) || b.seconds - a.seconds);
  const chosen = new Set(byWeight.slice(0, MAX_STEPS));
  return steps.filter((step) => chosen.has(step));
}

function sumOfParts(step: StepReport): number {
  return PARTS.reduce((sum, part) => sum + part.of(step), 0);
}

/** The step's parts in proportion, and the whole in proportion to the longest step. */
function partBar(step: StepReport, longest: number, width: number, paint: Paint): string {
  const colored = paint("bold", "x") !== "x";
  const parts = PARTS.map((part) => part.of(step));
  const cells = shareCells(parts, Math.max(1, Math.round((sumOfParts(step) / (longest || 1)) * width)));
  return cells
    .map((count, index) => {
      const shade = colored && index > 0 ? "█" : (PART_SHADES[index] ?? "█");
      return paint(PART_STYLES[index] ?? "grey", shade.repeat(Math.max(0, count)));
    })
    .join("");
}

/** What failed and why, the deepest cause of each chain only. Empty when nothing did. */
export function renderFailuresTerminal(report: Report, options: TableOptions = {}): string {
  if (report.failures.length === 0) return "";
  const columns = Math.max(60, options.columns ?? 80);
  const paint = createPaint(options.color ?? false);
  const lines = [paint("bold", "Failures")];
  for (const failure of report.failures.slice(0, MAX_FAILURES)) {
    const where = [failure.label, ...failure.path].join(" › ");
    lines.push(paint("red", `  ✗ ${clip(printable(where), columns - 4)}`));
    const message = [failure.type, failure.message].filter(Boolean).join(": ");
    lines.push(...wrap(printable(message), columns - 4).map((line) => `    ${line}`));
    const remedy = wrap(printable(failure.remedy ?? ""), columns - 6);
    if (failure.remedy) lines.push(...remedy.map((line, index) => `    ${index === 0 ? "→" : " "} ${line}`));
  }
  const left = report.failures.length - MAX_FAILURES;
  if (left > 0) lines.push(paint("dim", `  ⋯ ${formatCount(left)} more`));
  return `${lines.join("\n")}\n`;
}

/** One line: how much was loaded and saved in all. Empty when nothing was. */
export function renderTotalsTerminal(report: Report, options: TableOptions = {}): string {
  const { load, save } = report.totals;
  const paint = createPaint(options.color ?? false);
  const parts = [totalOf("loaded", load), totalOf("saved", save)].filter(Boolean);
  if (parts.length === 0) return "";
  const lines = wrap(`In all: ${parts.join(", ")}.`, Math.max(60, options.columns ?? 80));
  return lines.map((line) => `${paint("dim", line)}\n`).join("");
}

function totalOf(verb: string, totals: TransferTotals): string {
  if (totals.artifacts === 0) return "";
  const what = `${formatCount(totals.artifacts)} ${totals.artifacts === 1 ? "artifact" : "artifacts"}`;
  const size = totals.bytes > 0 ? ` (${formatBytes(totals.bytes)})` : "";
  return `${verb} ${what}${size} in ${formatSeconds(totals.seconds)}`;
}
