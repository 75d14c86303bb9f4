import { writeFile } from "node:fs/promises";
import type { TraceQuery } from "./query-api.ts";
import { readTraces } from "./read-traces.ts";
import { renderHtml } from "./render-html.ts";
import { buildReport, type Report } from "./report.ts";
import {
  renderAdviceTerminal,
  renderCostliestTerminal,
  renderCriticalPathTerminal,
} from "./terminal/advice.ts";
import { renderClocksTerminal } from "./terminal/clocks.ts";
import {
  renderFailuresTerminal,
  renderHeadlineTerminal,
  renderStepsTerminal,
  renderTotalsTerminal,
} from "./terminal/steps.ts";
import { printable } from "./terminal/text.ts";
import { renderTransfersTerminal, type TableOptions } from "./terminal/transfers.ts";
import { renderWaterfallTerminal } from "./terminal/waterfall.ts";
import { assembleTraces, type Trace } from "./trace.ts";
import { TraceReadError } from "./trace-read-error.ts";

export interface ReportCommand {
  /** Trace files, or directories of them. */
  paths: readonly string[];
  /** Which trace of a query API, and what to send to it. */
  query?: TraceQuery;
  /** Print the report as JSON instead of as text. Default false. */
  json?: boolean;
  /** Also write the self-contained page to this file. */
  html?: string;
  /** Default: that of the terminal, else 80. */
  columns?: number;
  /** Whether to use ANSI colours. Default: whether standard output is a terminal. */
  color?: boolean;
}

/** As much of a stream as the command needs; `process.stdout` is one. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** More traces than this are only named: files of a whole collector hold thousands. */
const MAX_WATERFALLS = 4;

/**
 * `skein report`: reads traces, prints what they say. What cannot be read in part is named on `stderr`.
 * Gives the exit code: 0, or 2 when there was nothing to report or the page could not be written.
 */
export async function runReport(
  command: ReportCommand,
  { stdout, stderr }: { stdout: TextSink; stderr: TextSink },
): Promise<number> {
  try {
    const { spans, warnings } = await readTraces(command.paths, command.query);
    for (const warning of warnings) stderr.write(`skein: ${printable(warning)}\n`);
    const report = buildReport(spans);
    const traces = assembleTraces(spans);
    if (command.json) stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
    else {
      const columns = command.columns ?? stdout.columns ?? 80;
      const color = command.color ?? stdout.isTTY === true;
      stdout.write(renderReportTerminal(report, { columns, color, traces }));
    }
    // Last, so that a page that cannot be written costs nothing but the page.
    if (command.html !== undefined) {
      await writeFile(command.html, renderHtml(traces, report));
      if (!command.json) stdout.write(`\nThe page: ${command.html}\n`);
    }
    return 0;
  } catch (error) {
    // Only what the user can put right is told in one line; anything else is a fault of ours and keeps its stack.
    if (!(error instanceof TraceReadError) && !isFileError(error)) throw error;
    stderr.write(`skein: ${error.message.split("\n").map(printable).join("\n  ")}\n`);
    return 2;
  }
}

export function isFileError(error: unknown): error is Error {
  return error instanceof Error && typeof (error as NodeJS.ErrnoException).syscall === "string";
}

/** The whole report as text; with `traces`, each one's waterfall between its steps and its artifacts. */
export function renderReportTerminal(
  report: Report,
  options: TableOptions & { traces?: readonly Trace[] } = {},
): string {
  const traces = options.traces ?? [];
  const waterfalls = traces.slice(0, MAX_WATERFALLS).map((trace) => renderWaterfallTerminal(trace, options));
  const sections = [
    renderHeadlineTerminal(report, options),
    renderClocksTerminal(report, options),
    renderStepsTerminal(report, options),
    ...waterfalls,
    renderCriticalPathTerminal(report, options),
    renderTransfersTerminal(report, options),
    renderCostliestTerminal(report, options),
    renderFailuresTerminal(report, options),
    renderAdviceTerminal(report, options),
    renderTotalsTerminal(report, options),
  ];
  return sections.filter((section) => section !== "").join("\n");
}
