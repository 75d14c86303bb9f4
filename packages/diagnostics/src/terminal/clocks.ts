import { formatCount } from "../html/format.js";
import type { Report } from "../report.ts";
import { createPaint, printable, wrap } from "./text.ts";
import type { TableOptions } from "./transfers.ts";

const MOST_CLOCKS = 5;

/** The spans whose times cannot be, and where they are shown. Ends with a newline; empty when there are none. */
export function renderClocksTerminal({ clocks }: Report, options: TableOptions = {}): string {
  if (clocks.length === 0) return "";
  const paint = createPaint(options.color ?? false);
  const columns = Math.max(60, options.columns ?? 80);
  const lines = clocks.slice(0, MOST_CLOCKS).flatMap(({ name, detail, spanId, problem }) => {
    const what = printable([name, detail, `(${spanId})`].filter(Boolean).join(" "));
    return wrap(`! ${what}: ${problem}`, columns - 2).map((line, index) => (index > 0 ? `  ${line}` : line));
  });
  const left = clocks.length - MOST_CLOCKS;
  if (left > 0) lines.push(`! and ${formatCount(left)} more with such a clock`);
  return `${lines.map((line) => paint("yellow", line)).join("\n")}\n`;
}
