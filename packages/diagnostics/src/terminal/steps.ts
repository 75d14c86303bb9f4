import { formatBytes, formatCount, formatSeconds } from "../html/format.js";
import type { Report, TraceSummary, TransferTotals } from "../report.ts";
import type { StepReport } from "../step-report.ts";
import { shareCells } from "./bars.ts";
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
import type { TableOptions } from "./transfers.ts";

const DURATION_COLUMNS = 8;
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
  const phase = trace.phase === "Unknown" ? "" : `  ${paintPhase(trace.phase, paint)}`;
  const facts = `  ${formatSeconds(trace.seconds)} · ${formatCount(trace.spans)} spans`;
  const used = widthOf(name) + (phase ? trace.phase.length + 2 : 0) + facts.length;
  const id = columns - used >= 44 ? ` · trace ${trace.traceId}` : "";
  return `${paint("bold", name)}${phase}${paint("dim", facts + id)}`;
}

function paintPhase(phase: string, paint: Paint): string {
  return paint(PHASE_STYLES.get(phase) ?? "yellow", printable(phase));
}

const PARTS = [
  { title: "pending", of: (step: StepReport) => step.pendingSeconds },
  { title: "init", of: (step: StepReport) => step.initSeconds },
  { title: "main", of: (step: StepReport) => step.mainSeconds },
  { title: "after", of: (step: StepReport) => step.afterMainSeconds },
] as const;

const PART_STYLES: readonly Style[] = ["grey", "cyan", "green", "magenta"];
const PART_SHADES = ["░", "▒", "█", "▓"];

/**
 * The steps with their phases, and what their time went into: waiting for a pod, loading, the user's own
 * work, saving. Ends with a newline; empty when the trace shows no steps.
 */
export function renderStepsTerminal(report: Report, options: TableOptions = {}): string {
  if (report.steps.length === 0) return "";
  const columns = Math.max(60, options.columns ?? 80);
  const paint = createPaint(options.color ?? false);
  const phaseColumns = Math.max(5, ...report.steps.map((step) => widthOf(printable(step.phase))));
  const fixed = 2 + phaseColumns + 1 + (DURATION_COLUMNS + 1) * (PARTS.length + 1);
  const names = Math.max(4, ...report.steps.map((step) => widthOf(printable(step.label))));
  const nameColumns = Math.max(8, Math.min(names, 40, columns - fixed - 1));
  const barColumns = Math.min(48, columns - fixed - nameColumns - 3);
  const heading = [
    `  ${padEnd("", nameColumns)}`,
    padEnd("", phaseColumns),
    ...["time", ...PARTS.map((part) => part.title)].map((title) => padStart(title, DURATION_COLUMNS)),
  ].join(" ");
  const lines = [paint("bold", "Steps"), paint("dim", heading)];
  const shown = chooseSteps(report.steps);
  for (const step of shown) {
    const name = padEnd(clip(printable(step.label), nameColumns), nameColumns);
    const phase = printable(step.phase);
    const durations = [step.seconds, ...PARTS.map((part) => part.of(step))].map((seconds, index) =>
      paint(
        index === 0 ? "bold" : "dim",
        padStart(seconds > 0 ? formatSeconds(seconds) : "–", DURATION_COLUMNS),
      ),
    );
    const bar = barColumns >= 12 ? `  ${partBar(step, longestOf(report), barColumns, paint)}` : "";
    const padding = " ".repeat(phaseColumns - widthOf(phase));
    lines.push(`  ${name} ${paintPhase(phase, paint)}${padding} ${durations.join(" ")}${bar}`);
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

function longestOf(report: Report): number {
  return Math.max(...report.steps.map((step) => step.seconds));
}

/** The step's parts in proportion, and the whole in proportion to the longest step. */
function partBar(step: StepReport, longest: number, width: number, paint: Paint): string {
  const colored = paint("bold", "x") !== "x";
  const parts = PARTS.map((part) => part.of(step));
  const whole = parts.reduce((sum, seconds) => sum + seconds, 0);
  const cells = shareCells(parts, Math.max(1, Math.round((whole / (longest || 1)) * width)));
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
  return `${verb} ${what} (${formatBytes(totals.bytes)}) in ${formatSeconds(totals.seconds)}`;
}
