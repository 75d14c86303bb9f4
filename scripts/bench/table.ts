import { cpus, release, totalmem } from "node:os";
import type { Figures } from "./pod.ts";

export interface Row {
  name: string;
  /** What one run did, for a reader who wants to do the same. */
  what: string;
  runs: readonly Figures[];
  /** Bytes of content moved by one run, for a rate. */
  bytes?: number;
}

export interface Fact {
  name: string;
  value: string;
  what: string;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function renderMarkdown(facts: readonly Fact[], rows: readonly Row[], when: Date): string {
  return [
    "# Benchmarks",
    "",
    "Written by `make bench`; do not edit. Times are medians of whole processes, from outside: the front with everything it",
    "starts. CPU counts all descendants; memory is the peak resident set of the largest single process (`wait4`), shared pages",
    "of the Node.js program included. Machines differ and are noisy: compare ratios, on one machine, and run it on yours.",
    "",
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, ${gib(totalmem())} GiB, Linux ${release()}, Node.js ${process.version}. ${when.toISOString().slice(0, 10)}.`,
    "Store: a real S3 server on loopback, its data and all volumes of the pods on tmpfs.",
    "Whole pods as real containers, with a real API server: [benchmarks-pod.md](benchmarks-pod.md).",
    "",
    "| | measured | how |",
    "|---|---|---|",
    ...facts.map((fact) => `| ${fact.name} | ${fact.value} | ${fact.what} |`),
    "",
    "| | median s | min – max s | CPU s | peak MB | MB/s | runs | how |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map(renderRow),
    "",
  ].join("\n");
}

function renderRow({ name, what, runs, bytes }: Row): string {
  const walls = runs.map((run) => run.wallSeconds);
  const wall = median(walls);
  const cells = [
    name,
    wall.toFixed(2),
    `${Math.min(...walls).toFixed(2)} – ${Math.max(...walls).toFixed(2)}`,
    median(runs.map((run) => run.cpuSeconds)).toFixed(2),
    megabytes(Math.max(...runs.map((run) => run.maxRssBytes))),
    bytes === undefined ? "" : megabytes(bytes / wall),
    String(runs.length),
    what,
  ];
  return `| ${cells.join(" | ")} |`;
}

export function megabytes(bytes: number): string {
  return (bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0);
}

function gib(bytes: number): string {
  return (bytes / 1024 ** 3).toFixed(0);
}
