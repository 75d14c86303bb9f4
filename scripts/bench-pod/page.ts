import { cpus, release, totalmem } from "node:os";
import { median, megabytes } from "../bench/table.ts";
import type { Charged } from "./cgroups.ts";
import type { PodFigures } from "./measure-pod.ts";
import type { PodRow } from "./pods.ts";

export interface PodPageFacts {
  /** Peak of a container that does nothing, the engine's own start included. */
  nothingBytes: number;
  /** Processes that waited for a processor when it began: others use the machine, too. */
  loadAverage: number;
  when: Date;
}

/** docs/benchmarks-pod.md */
export function renderPodPage(rows: readonly PodRow[], facts: PodPageFacts): string {
  const { nothingBytes, loadAverage, when } = facts;
  return [
    "# Benchmarks of whole pods",
    "",
    "Written by `make bench-pod`; do not edit. Pods as a v4.1 controller makes them, as real containers (podman and runc) from",
    "the built images, with a real API server and a real S3 server on the same machine. Times are medians. They count from the",
    "start of the first container's process to the moment an informer hears that the task result is complete.",
    "",
    `Machine: ${cpus().length} × ${cpus()[0]?.model ?? "unknown CPU"}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, Linux ${release()}. ${when.toISOString().slice(0, 10)}. Load average at the start ${loadAverage.toFixed(1)}:`,
    "whatever else runs on the machine is in the times, and not in the CPU seconds.",
    "",
    "## Time",
    "",
    "| pod | layout | start → label s | min – max s | init s | engine s | wait or supervisor s | main s | main's end → label s | CPU s | bytes copied | runs |",
    "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ...rows.map(timeRow),
    "",
    "*engine* is what lies between the end of `init` and the start of `wait`: the kubelet and the container engine, not the",
    "executor; it is part of the time to the label. *CPU* is that of all containers together. *bytes copied* is what `init` puts",
    "into the pod's shared volume; without an init container main reaches the front in the image.",
    "",
    ...rows.filter(isFirst).map(({ name, what }) => `- **${name}**: ${what}`),
    "",
    "## Memory",
    "",
    "From control groups, largest of all runs, in MB: *charged* is what the kernel counts against a container's limit, page cache of the files it",
    "reads and writes included (given back under pressure); *own* is anonymous memory, looked at every 10 ms.",
    `A container that does nothing at all has a peak of ${megabytes(nothingBytes)} MB: the engine starts it from within.`,
    "",
    "| pod | layout | init charged | own | wait or supervisor charged | own | main charged | own |",
    "|---|---|---|---|---|---|---|---|",
    ...rows.map(memoryRow),
    "",
    "| idle, while main sleeps | layout | wait or supervisor charged | own | main charged | own |",
    "|---|---|---|---|---|---|",
    ...rows.filter(({ runs }) => runs[0]?.containers.main?.idle).map(idleRow),
    "",
    "The shell and its `sleep` are in main's figures.",
    "",
  ].join("\n");
}

function isFirst(row: PodRow, index: number, rows: readonly PodRow[]): boolean {
  return rows.findIndex(({ name }) => name === row.name) === index;
}

function auxiliaryOf({ version }: PodRow): string {
  return version.layout === "init" ? "wait" : "supervisor";
}

function timeRow(row: PodRow): string {
  const { runs } = row;
  const of = (value: (run: PodFigures) => number): string => median(runs.map(value)).toFixed(2);
  const seconds = (name: string): string => of(({ containers }) => containers[name]?.seconds ?? 0);
  const totals = runs.map(({ labelSeconds }) => labelSeconds);
  const isInit = row.version.layout === "init";
  const cpu = ({ containers }: PodFigures): number =>
    Object.values(containers).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0);
  const cells = [
    row.name,
    row.version.layout,
    of(({ labelSeconds }) => labelSeconds),
    `${Math.min(...totals).toFixed(2)} – ${Math.max(...totals).toFixed(2)}`,
    isInit ? seconds("init") : "–",
    isInit ? of(({ betweenSeconds }) => betweenSeconds) : "–",
    seconds(auxiliaryOf(row)),
    seconds("main"),
    of(({ afterMainSeconds }) => afterMainSeconds),
    of(cpu),
    `${megabytes(Math.max(...runs.map(({ copiedBytes }) => copiedBytes)))} MB`,
    String(runs.length),
  ];
  return `| ${cells.join(" | ")} |`;
}

function memoryRow(row: PodRow): string {
  const cells = ["init", auxiliaryOf(row), "main"].flatMap((name) => {
    const figures = row.runs.flatMap(({ containers }) => containers[name] ?? []);
    if (figures.length === 0) return ["–", "–"];
    return [
      megabytes(Math.max(...figures.map(({ peakBytes }) => peakBytes))),
      megabytes(Math.max(...figures.map(({ peakAnonymousBytes }) => peakAnonymousBytes))),
    ];
  });
  return `| ${[row.name, row.version.layout, ...cells].join(" | ")} |`;
}

function idleRow(row: PodRow): string {
  const cells = [auxiliaryOf(row), "main"].flatMap((name) => {
    const idle = row.runs.map(({ containers }) => containers[name]?.idle as Charged);
    return [
      megabytes(Math.max(...idle.map(({ bytes }) => bytes))),
      megabytes(Math.max(...idle.map(({ anonymousBytes }) => anonymousBytes))),
    ];
  });
  return `| ${[row.name, row.version.layout, ...cells].join(" | ")} |`;
}
