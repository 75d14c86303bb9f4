import type { Finding } from "./check.ts";
import { countByStatus, type Report, type ReportHead } from "./report.ts";
import type { Result } from "./run-checks.ts";
import { createPaint, type Paint, printable, type TextOptions, wrap } from "./text.ts";

const MIN_COLUMNS = 60;
const MARKS = { ok: ["✔", "green"], warn: ["!", "yellow"], fail: ["✖", "red"] } as const;

/**
 * A row for each check that has looked: its mark, its name, what it saw, and below it what to do. Lines to be copied are never
 * broken. What was not looked at stands at the end, by reasons.
 */
export function renderTable({ head, results, stopped }: Report, options: TextOptions): string {
  const paint = createPaint(options.color);
  const columns = Math.max(MIN_COLUMNS, options.columns);
  const width = Math.max(...results.map(({ id }) => id.length));
  const lines = wrap(headline(head), columns).map((line) => paint("bold", line));
  lines.push("");
  for (const result of results) {
    if (result.finding.status !== "skip")
      lines.push(...rowLines(result, result.finding, { width, columns, paint }));
  }
  const skipped = skippedLines(results, { columns, paint });
  if (skipped.length > 0) lines.push("", ...skipped);
  lines.push("", summary(results, paint));
  if (stopped !== undefined) lines.push("stopped before it was through: this is what was known by then");
  return `${lines.map((line) => line.trimEnd()).join("\n")}\n`;
}

interface Layout {
  columns: number;
  paint: Paint;
}

function headline({ version, inPod, namespace, serviceAccount, apiServer }: ReportHead): string {
  const where = inPod ? "in a pod" : "from outside the cluster";
  const account = serviceAccount ? `, service account ${serviceAccount}` : "";
  return `skein doctor ${version}, ${where}: namespace ${namespace}${account}, ${apiServer ?? "no API server"}`;
}

function rowLines(
  { id }: Result,
  finding: Exclude<Finding, { status: "skip" }>,
  { width, columns, paint }: Layout & { width: number },
): string[] {
  const [mark, style] = MARKS[finding.status];
  const indent = " ".repeat(width + 4);
  const [first = "", ...more] = wrap(printable(finding.evidence), columns - indent.length);
  const lines = [`${paint(style, mark)} ${paint("bold", id.padEnd(width))}  ${first}`];
  lines.push(...more.map((line) => indent + line));
  if (finding.status === "ok") return lines;
  const say = wrap(
    `→ ${printable(finding.fix.say)}${finding.fix.copy ? ":" : ""}`,
    columns - indent.length - 2,
  );
  lines.push(...say.map((line, index) => `${indent}${index === 0 ? "" : "  "}${paint(style, line)}`));
  // Further to the left, so that even long commands are one line of the terminal where that is possible.
  lines.push(...(finding.fix.copy ?? []).map((line) => `      ${line}`));
  return lines;
}

function skippedLines(results: readonly Result[], { columns, paint }: Layout): string[] {
  const skipped = results.flatMap(({ id, finding }) =>
    finding.status === "skip" ? [{ id, reason: printable(finding.reason) }] : [],
  );
  return [...Map.groupBy(skipped, ({ reason }) => reason)].flatMap(([reason, same]) => {
    const text = `not looked at: ${same.map(({ id }) => id).join(", ")} (${reason})`;
    return wrap(text, columns - 2).map((line, index) => paint("dim", `${index === 0 ? "–" : " "} ${line}`));
  });
}

function summary(results: readonly Result[], paint: Paint): string {
  const { ok, warn, fail, skip } = countByStatus(results);
  const words = [
    `${ok} well`,
    ...(warn > 0 ? [paint("yellow", `${warn} ${warn === 1 ? "warning" : "warnings"}`)] : []),
    ...(fail > 0 ? [paint("red", `${fail} failed`)] : []),
    ...(skip > 0 ? [`${skip} not looked at`] : []),
  ];
  return words.join(", ");
}
