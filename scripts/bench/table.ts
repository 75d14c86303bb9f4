import { cpus, release, totalmem } from "node:os";
import type { Bar } from "./bars.ts";
import type { Busyness } from "./busyness.ts";
import type { Figures } from "./pod.ts";

export interface Row {
  name: string;
  /** What one run did, for a reader who wants to do the same. */
  what: string;
  runs: readonly Figures[];
  /** Bytes of content moved by one run, for a rate. */
  bytes?: number;
  /**
   * The same with one of everything. Where that moved less, its time counts so many `times`, but not the `startSeconds` of it
   * that do not depend on how much is moved.
   */
  against?: { row: Row; times?: number; startSeconds?: number };
  bars?: readonly Bar[];
}

/** What a bar says, and whether it is met. */
export interface Verdict {
  bar: string;
  isMet: boolean;
}

export interface Fact {
  name: string;
  value: string;
  what: string;
  verdict?: Verdict;
}

/** Rows that belong together. */
export interface Section {
  name: string;
  title: string;
  facts?: readonly Fact[];
  rows?: readonly Row[];
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function wallOf({ runs }: Row): number {
  return median(runs.map(({ wallSeconds }) => wallSeconds));
}

/** How many times as fast the row is as the one it is compared with. */
export function ratioOf(row: Row): number | undefined {
  if (!row.against) return undefined;
  const { row: other, times = 1, startSeconds = 0 } = row.against;
  return (startSeconds + (wallOf(other) - startSeconds) * times) / wallOf(row);
}

export function renderMarkdown(sections: readonly Section[], busyness: Busyness, when: Date): string {
  const facts = sections.flatMap((section) => section.facts ?? []);
  return [
    "# Benchmarks",
    "",
    "Written by `make bench`; do not edit. Times are of whole processes, from outside: the front with everything it starts.",
    "*CPU* counts all descendants; *peak* is the resident set of the largest single process (`wait4`), shared pages of the",
    "Node.js program (read from disk anew) included; *own* is the largest anonymous part of it that was seen. *× one* says how many times as fast the",
    "row is as with one stream, one request, one artifact at a time and one worker thread. The bars are the project's own, most",
    "of them from what the original executor takes on two cores of this kind. Machines differ: compare ratios, on one machine.",
    "`make bench ROWS=name` repeats what has `name` in its name, and writes nothing.",
    "",
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, ${gib(totalmem())} GiB, Linux ${release()}, Node.js ${process.version}. ${when.toISOString().slice(0, 10)}.`,
    busyness.sentence,
    "Store: a real S3 server on loopback, its data and all volumes of the pods on tmpfs.",
    "Whole pods as real containers, with a real API server: [benchmarks-pod.md](benchmarks-pod.md).",
    "",
    ...(facts.length > 0 ? renderFacts(facts) : []),
    ...sections.flatMap(({ title, rows = [] }) => (rows.length > 0 ? renderSection(title, rows) : [])),
  ].join("\n");
}

function renderFacts(facts: readonly Fact[]): string[] {
  return [
    "| | measured | bar | how |",
    "|---|---|---|---|",
    ...facts.map(
      (fact) =>
        `| ${fact.name} | ${fact.value} | ${fact.verdict ? renderVerdict(fact.verdict) : ""} | ${fact.what} |`,
    ),
    "",
  ];
}

function renderSection(title: string, rows: readonly Row[]): string[] {
  return [
    `## ${title}`,
    "",
    "| | median s | min – max s | CPU s | peak MB | own MB | MB/s | × one | bar | runs |",
    "|---|---|---|---|---|---|---|---|---|---|",
    ...rows.map(renderRow),
    "",
    ...rows.map(({ name, what }) => `- **${name}**: ${what}`),
    "",
  ];
}

function renderRow(row: Row): string {
  const { name, runs, bytes, bars = [] } = row;
  const walls = runs.map((run) => run.wallSeconds);
  const owns = runs.flatMap((run) => run.anonymousBytes ?? []);
  const ratio = ratioOf(row);
  const cells = [
    name,
    wallOf(row).toFixed(2),
    `${Math.min(...walls).toFixed(2)} – ${Math.max(...walls).toFixed(2)}`,
    median(runs.map((run) => run.cpuSeconds)).toFixed(2),
    megabytes(Math.max(...runs.map((run) => run.maxRssBytes))),
    owns.length === 0 ? "" : megabytes(Math.max(...owns)),
    bytes === undefined ? "" : megabytes(bytes / wallOf(row)),
    ratio === undefined ? "" : ratio.toFixed(1),
    bars.map((bar) => renderVerdict(bar(row))).join(", "),
    String(runs.length),
  ];
  return `| ${cells.join(" | ")} |`;
}

function renderVerdict({ bar, isMet }: Verdict): string {
  return `${bar} ${isMet ? "met" : "**not met**"}`;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(0);
}
