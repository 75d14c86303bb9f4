import { wholeSeconds } from "../artifact-transfer.ts";
import type { PathPart, PathSegment } from "../critical-path.ts";
import { formatCount, formatSeconds } from "../html/format.js";
import type { Report, TraceSummary } from "../report.ts";
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

/** What fits a screen; the JSON has them all. */
const MAX_PATH_NODES = 20;
const MAX_COSTLIEST = 5;
const MAX_ADVICE = 8;
/** A part of the path that took less than this share of the whole is not worth a word. */
const WORTH_NAMING = 0.005;

const PART_WORDS: Readonly<Record<PathPart, string>> = {
  pending: "pending",
  load: "load",
  main: "main",
  save: "save",
  overhead: "starting and ending",
  untraced: "in the pod, which did not trace",
  between: "between steps",
};

const PART_STYLES: Readonly<Record<PathPart, Style>> = {
  pending: "grey",
  load: "cyan",
  main: "green",
  save: "magenta",
  overhead: "grey",
  untraced: "grey",
  between: "grey",
};

/** The steps that determined how long each workflow took, and what each of them did in that time. Empty without steps. */
export function renderCriticalPathTerminal(report: Report, options: TableOptions = {}): string {
  const paths = report.traces.filter(({ criticalPath }) => criticalPath.some(({ node }) => node !== ""));
  return paths.map((trace) => pathLines(trace, options)).join("\n");
}

function pathLines({ criticalPath, seconds, workflow }: TraceSummary, options: TableOptions): string {
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  const nodes = [...Map.groupBy(criticalPath, ({ node, label }) => label || node)];
  const own = nodes.filter(([label]) => label !== "");
  const between = sum(nodes.find(([label]) => label === "")?.[1] ?? []);
  const shown = longestOf(own);
  const width = Math.min(28, Math.max(...shown.map(([label]) => widthOf(printable(label))), 8));
  const title = `Critical path  ${formatSeconds(seconds)}`;
  const name = clip(printable(workflow), columns - widthOf(title) - 2);
  const lines = [
    paint("bold", "Critical path") +
      paint("dim", title.slice("Critical path".length) + (name ? `  ${name}` : "")),
  ];
  for (const [label, segments] of shown) {
    const head = `  ${padEnd(clip(printable(label), width), width)} ${padStart(formatSeconds(sum(segments)), 8)}  `;
    lines.push(head + partsText(segments, seconds, columns - widthOf(head), paint));
  }
  if (own.length > shown.length)
    lines.push(paint("dim", `  ⋯ ${formatCount(own.length - shown.length)} more steps, each shorter`));
  if (between >= seconds * WORTH_NAMING) {
    lines.push(paint("dim", `  ${padEnd(PART_WORDS.between, width)} ${padStart(formatSeconds(between), 8)}`));
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

function longestOf(nodes: readonly [string, PathSegment[]][]): readonly [string, PathSegment[]][] {
  const chosen = new Set(nodes.toSorted((a, b) => sum(b[1]) - sum(a[1])).slice(0, MAX_PATH_NODES));
  return nodes.filter((node) => chosen.has(node));
}

function partsText(segments: readonly PathSegment[], whole: number, room: number, paint: Paint): string {
  const parts = [...Map.groupBy(segments, ({ part }) => part)].flatMap(([part, same]) => {
    const seconds = sum(same);
    if (seconds < whole * WORTH_NAMING) return [];
    const detail = printable(same.find((segment) => segment.detail)?.detail ?? "");
    const text = `${PART_WORDS[part]} ${formatSeconds(seconds)}${detail ? ` (${clip(detail, 24)})` : ""}`;
    return [{ part, text, seconds }];
  });
  parts.sort((a, b) => b.seconds - a.seconds);
  let line = "";
  let left = room;
  for (const { part, text } of parts) {
    const separator = line === "" ? "" : " · ";
    left -= widthOf(separator + text);
    if (left < 2) return `${line} …`;
    line += separator + paint(PART_STYLES[part], text);
  }
  return line;
}

function sum(segments: readonly { seconds: number }[]): number {
  return segments.reduce((total, { seconds }) => total + seconds, 0);
}

/** The artifacts that took longest, when there are so many that the table above hides them. */
export function renderCostliestTerminal(report: Report, options: TableOptions = {}): string {
  if (report.artifacts.length <= MAX_COSTLIEST) return "";
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  const labels = new Map(report.steps.map(({ node, label }) => [node, label]));
  const lines = [paint("bold", "Took longest")];
  for (const transfer of report.artifacts
    .toSorted((a, b) => wholeSeconds(b) - wholeSeconds(a))
    .slice(0, MAX_COSTLIEST)) {
    const { direction, name, node, verdict } = transfer;
    const what = clip(
      printable(`${direction} ${name} (${labels.get(node) ?? node})`),
      Math.floor(columns / 2),
    );
    const head = `  ${padStart(formatSeconds(wholeSeconds(transfer)), 8)}  ${what}`;
    lines.push(`${head}${paint("dim", clip(`  ${printable(verdict)}`, columns - widthOf(head)))}`);
  }
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

/** What to change, with the numbers that speak for it. Empty when nothing stands out. */
export function renderAdviceTerminal(report: Report, options: TableOptions = {}): string {
  if (report.advice.length === 0) return "";
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  const lines = [paint("bold", "What to change")];
  for (const { change, because, seconds, where, count } of report.advice.slice(0, MAX_ADVICE)) {
    const head = padStart(formatSeconds(seconds), 8);
    const [first = "", ...more] = wrap(printable(change), columns - 12);
    lines.push(
      `  ${paint("yellow", head)}  ${paint("bold", first)}`,
      ...more.map((line) => `            ${paint("bold", line)}`),
    );
    const others = count > 1 ? `, and ${formatCount(count - 1)} more like it` : "";
    for (const line of wrap(printable(`${where}: ${because}${others}`), columns - 12))
      lines.push(`            ${line}`);
  }
  const left = report.advice.length - MAX_ADVICE;
  if (left > 0) lines.push(paint("dim", `  ⋯ ${formatCount(left)} more, about less time`));
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}
