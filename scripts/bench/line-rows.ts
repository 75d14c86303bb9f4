import { randomBytes } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import { memoryBar, timesAsFast } from "./bars.ts";
import {
  type Bench,
  finishMain,
  LOOK_EVERY_MS,
  ONE_AT_A_TIME,
  repeat,
  templateWith,
  withPod,
} from "./bench.ts";
import { writeHalfRandomFile } from "./inputs.ts";
import type { Figures } from "./pod.ts";
import { serve } from "./serve-program.ts";
import { median, type Row } from "./table.ts";

const MIB = 1024 * 1024;
const OBJECT_BYTES = 4096;

/** One of everything is tried with so many times fewer: with all of them it would take minutes. */
const FEWER = 10;

/** Many small objects, on a line on which every answer takes 10 ms longer. */
export async function directoryRows(bench: Bench): Promise<Row[]> {
  const count = 10_000 / bench.shrink;
  await using line = await serve(bench.slowLink, ["-to", bench.store.endpoint, "-latency", "10ms"]);
  const measure = (some: number, runs: number, environment?: Readonly<Record<string, string>>) =>
    directoryOf(bench, line.endpoint, { count: some, runs, ...(environment && { environment }) });
  const all = await measure(count, bench.runs.long);
  const few = await measure(count / FEWER, 1, ONE_AT_A_TIME);
  const start = await measure(1, 1, ONE_AT_A_TIME);
  const what = {
    save: "`argoexec wait`, a directory from a volume, `archive: none`",
    load: "`argoexec init`, a key with objects below it",
  };
  return (["save", "load"] as const).flatMap((direction): Row[] => {
    const slow: Row = {
      name: `${direction} ${named(count / FEWER)}, one of everything`,
      what: `one request at a time; for the ratio its time counts ${FEWER} times, without the time that one object takes`,
      runs: few[direction],
      bytes: (count / FEWER) * OBJECT_BYTES,
    };
    const startSeconds = median(start[direction].map(({ wallSeconds }) => wallSeconds));
    return [
      {
        name: `${direction} ${named(count)}`,
        what: `${what[direction]}; a proxy of ours delays what the store sends`,
        runs: all[direction],
        bytes: count * OBJECT_BYTES,
        against: { row: slow, times: FEWER, startSeconds },
        bars: [timesAsFast(20), memoryBar],
      },
      slow,
    ];
  });
}

function named(count: number): string {
  return `${count.toLocaleString("en")} objects of 4 KiB at 10 ms`;
}

async function directoryOf(
  bench: Bench,
  endpoint: string,
  {
    count,
    environment = {},
    runs,
  }: { count: number; environment?: Readonly<Record<string, string>>; runs: number },
): Promise<{ save: Figures[]; load: Figures[] }> {
  const key = `bench/${randomBytes(4).toString("hex")}`;
  const artifact: Artifact = { name: "directory", path: "/data/content", archive: { none: {} }, s3: { key } };
  const options = { environment, lookEveryMs: LOOK_EVERY_MS };
  const save = await withPod(bench, async (source) => {
    writeObjects(join(source.volume, "content"), count);
    const saves: Figures[] = [];
    for (let run = 0; run < runs; run++) {
      bench.say(`${count} objects: save`);
      finishMain(source);
      saves.push(await source.run("wait", templateWith(bench, { outputs: [artifact] }, endpoint), options));
    }
    return saves;
  });
  bench.say(`${count} objects: load`);
  const toLoad = templateWith(bench, { inputs: [{ ...artifact, path: "/in/content" }] }, endpoint);
  return { save, load: await repeat(bench, runs, (pod) => pod.run("init", toLoad, options), 0) };
}

function writeObjects(directory: string, count: number): void {
  for (let index = 0; index < count; index++) {
    const folder = join(directory, String(Math.floor(index / 100)));
    if (index % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${index}.bin`), randomBytes(OBJECT_BYTES));
  }
}

/** One large object, where no connection carries more than 50 MB/s. */
export async function slowConnectionRows(bench: Bench): Promise<Row[]> {
  const mebibytes = 1024 / bench.shrink;
  const bytes = mebibytes * MIB;
  const key = `bench/${randomBytes(4).toString("hex")}`;
  const artifact: Artifact = { name: "content", path: "/data/content", archive: { none: {} }, s3: { key } };
  await withPod(bench, async (source) => {
    writeHalfRandomFile(join(source.volume, "content"), mebibytes);
    finishMain(source);
    await source.run("wait", templateWith(bench, { outputs: [artifact] }));
  });
  await using line = await serve(bench.slowLink, ["-to", bench.store.endpoint, "-rate", "50e6"]);
  const inputs = [{ ...artifact, path: "/in/content" }];
  const template = templateWith(bench, { inputs }, line.endpoint);
  const load = (runs: number, environment: Readonly<Record<string, string>> = {}): Promise<Figures[]> =>
    repeat(bench, runs, (pod) => pod.run("init", template, { environment, lookEveryMs: LOOK_EVERY_MS }), 0);
  const name = `load ${mebibytes} MiB, 50 MB/s a connection`;
  bench.say(name);
  const slow: Row = {
    name: `${name}, one of everything`,
    what: "one stream",
    runs: await load(1, ONE_AT_A_TIME),
    bytes,
  };
  return [
    {
      name,
      what: "`argoexec init`, `archive: none`; a proxy of ours limits each connection for itself",
      runs: await load(bench.runs.long),
      bytes,
      against: { row: slow },
      bars: [timesAsFast(6), memoryBar],
    },
    slow,
  ];
}

/** Several artifacts of one pod. */
export async function fourArtifactsRows(bench: Bench): Promise<Row[]> {
  const mebibytes = 128 / bench.shrink;
  const bytes = 4 * mebibytes * MIB;
  const run = randomBytes(4).toString("hex");
  const artifacts = ["a", "b", "c", "d"].map(
    (name): Artifact => ({ name, path: `/data/${name}`, s3: { key: `bench/${run}/${name}` } }),
  );
  const oneAfterAnother = { SKEIN_TRANSFER_ARTIFACTS: "1" };
  const inputs = artifacts.map((artifact) => ({ ...artifact, path: `/in/${artifact.name}` }));
  const saves = await withPod(bench, async (source) => {
    for (const { name } of artifacts) writeHalfRandomFile(join(source.volume, name), mebibytes);
    const save = async (
      runs: number,
      environment: Readonly<Record<string, string>> = {},
    ): Promise<Figures[]> => {
      const figures: Figures[] = [];
      for (let at = 0; at < runs; at++) {
        bench.say("four artifacts: save");
        finishMain(source);
        const options = { environment, lookEveryMs: LOOK_EVERY_MS };
        figures.push(await source.run("wait", templateWith(bench, { outputs: artifacts }), options));
      }
      return figures;
    };
    return { slow: await save(1, oneAfterAnother), together: await save(bench.runs.long) };
  });
  bench.say("four artifacts: load");
  const load = (runs: number, environment: Readonly<Record<string, string>> = {}): Promise<Figures[]> =>
    repeat(
      bench,
      runs,
      (pod) => pod.run("init", templateWith(bench, { inputs }), { environment, lookEveryMs: LOOK_EVERY_MS }),
      0,
    );
  const loads = { slow: await load(1, oneAfterAnother), together: await load(bench.runs.long) };
  return (
    [
      ["save", saves],
      ["load", loads],
    ] as const
  ).flatMap(([direction, { slow, together }]): Row[] => {
    const name = `${direction} four artifacts of ${mebibytes} MiB as tgz`;
    const after: Row = {
      name: `${name}, one after another`,
      what: "the same with `SKEIN_TRANSFER_ARTIFACTS=1`",
      runs: slow,
      bytes,
    };
    return [
      {
        name,
        what: "all in one pod; *× one* is against one after another, each with all its streams and threads",
        runs: together,
        bytes,
        against: { row: after },
        // Saving uses all processors for one artifact already.
        bars: direction === "load" ? [timesAsFast(1), memoryBar] : [memoryBar],
      },
      after,
    ];
  });
}
