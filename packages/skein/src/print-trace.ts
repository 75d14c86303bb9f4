import { writeFile } from "node:fs/promises";
import {
  assembleTraces,
  buildReport,
  readTraces,
  renderFailuresTerminal,
  renderHtml,
  renderTransfersTerminal,
  renderWaterfallTerminal,
} from "@skein/diagnostics";
import type { OutputDirectory } from "@skein/lab";
import type { Host, TextOptions } from "./host.ts";

/** Prints what the trace of a run says, and writes the page. */
export async function printTrace(output: OutputDirectory, text: TextOptions, host: Host): Promise<void> {
  const { spans, warnings } = await readTraces([output.trace]);
  for (const warning of warnings) host.stderr.write(`skein: ${warning}\n`);
  const report = buildReport(spans);
  const traces = assembleTraces(spans);
  await writeFile(output.html, renderHtml(traces, report));
  const sections = [
    ...traces.map((trace) => renderWaterfallTerminal(trace, text)),
    renderTransfersTerminal(report, text),
    renderFailuresTerminal(report, text),
  ];
  for (const section of sections) if (section !== "") host.stdout.write(`\n${section}`);
}
