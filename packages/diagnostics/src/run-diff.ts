import { compareReports } from "./compare-reports.ts";
import type { TraceQuery } from "./query-api.ts";
import { readTraces } from "./read-traces.ts";
import { buildReport, type Report } from "./report.ts";
import { isFileError, type TextSink } from "./run-report.ts";
import { renderDiffTerminal } from "./terminal/diff.ts";
import { printable } from "./terminal/text.ts";
import { TraceReadError } from "./trace-read-error.ts";

export interface DiffCommand {
  /** Trace files, directories of them, or addresses of traces, one for each run. */
  before: string;
  after: string;
  /** What to send to a query API. */
  query?: TraceQuery;
  /** Print the difference as JSON instead of as text. Default false. */
  json?: boolean;
  columns?: number;
  color?: boolean;
}

/** `skein diff`: compares two runs. Gives the exit code: 0, or 2 when one of them could not be read. */
export async function runDiff(
  command: DiffCommand,
  { stdout, stderr }: { stdout: TextSink; stderr: TextSink },
): Promise<number> {
  try {
    const read = async (path: string): Promise<Report> => {
      const { spans, warnings } = await readTraces([path], command.query);
      for (const warning of warnings) stderr.write(`skein: ${printable(warning)}\n`);
      return buildReport(spans);
    };
    const diff = compareReports(await read(command.before), await read(command.after));
    const columns = command.columns ?? stdout.columns ?? 80;
    const color = command.color ?? stdout.isTTY === true;
    stdout.write(
      command.json ? `${JSON.stringify(diff, undefined, 2)}\n` : renderDiffTerminal(diff, { columns, color }),
    );
    return 0;
  } catch (error) {
    if (!(error instanceof TraceReadError) && !isFileError(error)) throw error;
    stderr.write(`skein: ${error.message.split("\n").map(printable).join("\n  ")}\n`);
    return 2;
  }
}
