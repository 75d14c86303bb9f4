import { describePart, diffSentence, type PathChange, type ReportDiff, signed } from "../compare-reports.ts";
import { formatCount, formatSeconds } from "../html/format.js";
import { clip, createPaint, type Paint, padStart, printable, widthOf, wrap } from "./text.ts";
import type { TableOptions } from "./transfers.ts";

const MAX_CHANGES = 12;
/** A change of less than this share of the slower run is not worth a line. */
const WORTH_NAMING = 0.01;

/** What got slower or faster from the first run to the second, and why. Ends with a newline. */
export function renderDiffTerminal(diff: ReportDiff, options: TableOptions = {}): string {
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  const [before, after] = diff.runs.map((run) => printable(`${run.workflow || run.traceId} (${run.phase})`));
  // What explains the critical path is not said again.
  const told = new Set(diff.path.map(({ why }) => why));
  const sections = [
    [
      paint("dim", clip(`${before}  →  ${after}`, columns)),
      ...wrap(diffSentence(diff), columns).map((line) => paint("bold", line)),
    ],
    table("On the critical path", worthNaming(diff), columns, paint),
    table(
      "Other artifacts",
      diff.transfers.filter(({ name, why }) => !told.has(`${name}: ${why}`)).map(toRow),
      columns,
      paint,
    ),
    list("Only in the first", diff.onlyBefore, columns, paint),
    list("Only in the second", diff.onlyAfter, columns, paint),
    list("Failed in the second only", diff.newFailures, columns, paint),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

interface Row {
  what: string;
  before: number;
  after: number;
  why: string;
}

function worthNaming({ path, seconds }: ReportDiff): Row[] {
  const least = Math.max(seconds.before, seconds.after) * WORTH_NAMING;
  return path
    .filter((change) => Math.abs(change.after - change.before) >= least)
    .map((change: PathChange) => ({ ...change, what: describePart(change) }));
}

function toRow({ direction, name, label, ...change }: ReportDiff["transfers"][number]): Row {
  return { ...change, what: `${direction} ${name} (${label})` };
}

function table(title: string, rows: readonly Row[], columns: number, paint: Paint): string[] {
  if (rows.length === 0) return [];
  const lines = [paint("bold", title)];
  for (const { what, before, after, why } of rows.slice(0, MAX_CHANGES)) {
    const change = padStart(signed(after - before), 10);
    const durations = `${formatSeconds(before)} → ${formatSeconds(after)}`;
    const name = clip(printable(what), columns - widthOf(change) - widthOf(durations) - 6);
    lines.push(`  ${paint(after > before ? "red" : "green", change)}  ${name}  ${paint("dim", durations)}`);
    if (why) for (const line of wrap(printable(why), columns - 14)) lines.push(`              ${line}`);
  }
  if (rows.length > MAX_CHANGES)
    lines.push(paint("dim", `  ⋯ ${formatCount(rows.length - MAX_CHANGES)} more, each smaller`));
  return lines;
}

function list(title: string, names: readonly string[], columns: number, paint: Paint): string[] {
  if (names.length === 0) return [];
  const shown = names.slice(0, MAX_CHANGES).flatMap((name) => wrap(printable(name), columns - 4));
  const left = names.length - MAX_CHANGES;
  return [
    paint("bold", title),
    ...shown.map((line) => `  ${line}`),
    ...(left > 0 ? [paint("dim", `  ⋯ ${formatCount(left)} more`)] : []),
  ];
}
