import { createReadStream } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { workflowFacts } from "./node-groups.ts";
import { parseOtlpDocument } from "./otlp-json.ts";
import { settlePassedOver } from "./passed-over.ts";
import { fetchTrace, isAddress, type TraceQuery } from "./query-api.ts";
import { settleClocks } from "./settle-clocks.ts";
import { settleSkew } from "./settle-skew.ts";
import type { TraceSpan } from "./span.ts";
import { assembleTraces } from "./trace.ts";
import { TraceReadError } from "./trace-read-error.ts";

/** More complaints than this about one file say nothing new; the rest are counted. */
const MAX_COMPLAINTS_PER_FILE = 5;
/** Of those that were not asked for. */
const MAX_NAMED_TRACES = 10;

/** One file, or standard input, which can be read only once. */
interface TraceFile {
  readonly path: string;
  /** By the user, not found in a directory. */
  readonly named: boolean;
  readonly text?: string;
}

export interface ReadTraces {
  /** Every span once, in the order of the files. */
  spans: TraceSpan[];
  /** What could not be read, each as `FILE:LINE: reason`. */
  warnings: string[];
  /** The files that held spans. */
  files: string[];
}

/**
 * Reads trace files: OTLP JSON lines (ours, and those of the collector's file exporter), a single OTLP JSON
 * document, or directories, whose `*.jsonl` and `*.json` files are read, however deep. A line that cannot be
 * read is left out and named in `warnings`: a trace matters most when the process that wrote it was killed.
 * An address (`http://…`) is that of a query API: see {@link fetchTrace}. `-` is standard input. Of files, `query` picks
 * the traces it names; of those it names none, all are given.
 * A span found twice is kept once, its finished version first.
 */
export async function readTraces(paths: readonly string[], query: TraceQuery = {}): Promise<ReadTraces> {
  const spans = new Map<string, TraceSpan>();
  const warnings: string[] = [];
  const files: string[] = [];
  for (const path of paths) {
    if (isAddress(path)) {
      const fetched = await fetchTrace(path, query);
      warnings.push(...fetched.warnings);
      for (const span of fetched.spans) keepOnce(spans, span);
      continue;
    }
    for (const file of await filesOf(path, query)) {
      const found = await readTraceFile(file);
      // Beside the trace a directory holds other JSON; only files named by the user are complained about.
      if (file.named || found.spans.length > 0) for (const warning of found.warnings) warnings.push(warning);
      if (file.named && found.spans.length === 0) warnings.push(`${file.path}: no spans in this file`);
      if (found.spans.length > 0) files.push(file.path);
      for (const span of found.spans) keepOnce(spans, span);
    }
  }
  if (spans.size === 0) throw new TraceReadError(noSpans(paths, warnings));
  const settled = settleSkew(settleClocks(settlePassedOver([...spans.values()])));
  return {
    spans: paths.every(isAddress) ? settled : chosen(settled, query),
    warnings,
    files,
  };
}

/** The spans of the traces asked for. A collector's file holds those of every workflow of a cluster. */
function chosen(spans: TraceSpan[], { traceId, workflow }: TraceQuery): TraceSpan[] {
  if (traceId === undefined && workflow === undefined) return spans;
  const traces = assembleTraces(spans).map((trace) => ({ trace, name: workflowFacts(trace).name }));
  const wanted = traces.filter(
    ({ trace, name }) =>
      (traceId === undefined || trace.traceId === traceId.toLowerCase()) &&
      (workflow === undefined || name === workflow),
  );
  if (wanted.length > 0) return wanted.flatMap(({ trace }) => trace.spans);
  const what = [traceId && `trace ${traceId}`, workflow && `workflow ${workflow}`]
    .filter(Boolean)
    .join(" and ");
  const there = traces.slice(0, MAX_NAMED_TRACES).map(({ trace, name }) => `${trace.traceId}  ${name}`);
  const rest = traces.length - there.length;
  const lines = [`nothing of ${what} there; there is`, ...there, ...(rest > 0 ? [`and ${rest} more`] : [])];
  throw new TraceReadError(lines.join("\n"));
}

function noSpans(paths: readonly string[], warnings: readonly string[]): string {
  const where = `no spans in ${paths.join(", ") || "no files"}`;
  return warnings.length > 0 ? `${where}\n  ${warnings.join("\n  ")}` : where;
}

function keepOnce(spans: Map<string, TraceSpan>, span: TraceSpan): void {
  const key = `${span.traceId}/${span.spanId}`;
  const known = spans.get(key);
  if (!known || (known.unfinished && !span.unfinished)) spans.set(key, span);
}

async function filesOf(path: string, { readStdin }: TraceQuery): Promise<TraceFile[]> {
  if (path === "-" && readStdin) return [{ path: "stdin", named: true, text: await readStdin() }];
  try {
    if (!(await stat(path)).isDirectory()) return [{ path, named: true }];
    const names = await readdir(path, { recursive: true });
    return names
      .filter((name) => /\.jsonl?$/.test(name))
      .sort()
      .map((name) => ({ path: join(path, name), named: false }));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new TraceReadError(code === "ENOENT" ? `${path}: no such file or directory` : message, {
      cause: error,
    });
  }
}

async function readTraceFile(file: TraceFile): Promise<{ spans: TraceSpan[]; warnings: string[] }> {
  const { path } = file;
  const spans: TraceSpan[] = [];
  const complaints: string[] = [];
  let lineNumber = 0;
  let text = false;
  for await (const line of file.text?.split("\n") ?? linesOf(path)) {
    lineNumber += 1;
    const packed = lineNumber === 1 ? compressionOf(line) : undefined;
    if (packed) return { spans, warnings: [`${path}: compressed; unpack it first, with ${packed} -dc`] };
    const json = lineNumber === 1 ? line.replace(/^\uFEFF/, "") : line;
    if (json.trim() === "") continue;
    const place = `${path}:${lineNumber}`;
    try {
      const found = parseOtlpDocument(JSON.parse(json), (complaint) =>
        complaints.push(`${place}: ${complaint}`),
      );
      for (const span of found ?? []) spans.push(span);
    } catch (error) {
      // The first line of a document that was written over several lines is no JSON by itself.
      const whole = text ? undefined : await readWholeDocument(file);
      if (whole) return whole;
      complaints.push(`${place}: not JSON, line skipped (${(error as Error).message})`);
    }
    text = true;
  }
  return { spans, warnings: shorten(path, complaints) };
}

/** Lines without their ends. Lines may be as long as a whole trace, so each byte is looked at once. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of createReadStream(path, { encoding: "utf8", highWaterMark: 1 << 20 })) {
    const [first = "", ...more] = (chunk as string).split("\n");
    rest += first;
    for (const line of more) {
      yield rest;
      rest = line;
    }
  }
  if (rest !== "") yield rest;
}

/** Read as UTF-8, the first bytes of a gzip or zstd file leave these characters. */
function compressionOf(line: string): string | undefined {
  if (line.startsWith("\u001F\uFFFD")) return "gzip";
  return line.startsWith("(\uFFFD/\uFFFD") ? "zstd" : undefined;
}

async function readWholeDocument({
  path,
  text,
}: TraceFile): Promise<{ spans: TraceSpan[]; warnings: string[] } | undefined> {
  const complaints: string[] = [];
  try {
    const document = JSON.parse((text ?? (await readFile(path, "utf8"))).replace(/^\uFEFF/, ""));
    const spans = parseOtlpDocument(document, (complaint) => complaints.push(`${path}: ${complaint}`));
    return { spans: spans ?? [], warnings: shorten(path, complaints) };
  } catch {
    return undefined; // then it is lines, and each bad one is named
  }
}

function shorten(path: string, complaints: readonly string[]): string[] {
  const rest = complaints.length - MAX_COMPLAINTS_PER_FILE;
  if (rest <= 0) return [...complaints];
  return [...complaints.slice(0, MAX_COMPLAINTS_PER_FILE), `${path}: ${rest} more such lines`];
}
