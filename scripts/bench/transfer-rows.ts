import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Artifact } from "@skein/contract";
import { type Bar, memoryBar, secondsAtMost } from "./bars.ts";
import {
  type Bench,
  finishMain,
  LOOK_EVERY_MS,
  ONE_AT_A_TIME,
  repeat,
  templateWith,
  withPod,
} from "./bench.ts";
import { writeHalfRandomFile, writeSmallFiles } from "./inputs.ts";
import type { BenchPod, Figures } from "./pod.ts";
import { GUNZIP_ALONE, runElsewhere } from "./programs.ts";
import { megabytes, type Row } from "./table.ts";

const MIB = 1024 * 1024;

interface TransferCase {
  name: string;
  /** Makes the content in the volume of the pod, at `content`. */
  make(path: string): void;
  /** Bytes of content. */
  bytes: number;
  archive?: Artifact["archive"];
  loadBars?: readonly Bar[];
}

interface Transferred {
  rows: Row[];
  /** The object in the store, a file. */
  object: string;
}

/** One large file, gzipped. */
export async function tgzRows(bench: Bench): Promise<Row[]> {
  const mebibytes = 512 / bench.shrink;
  const name = `${mebibytes} MiB as tgz`;
  const { rows, object } = await transfer(bench, {
    name,
    make: (path) => writeHalfRandomFile(path, mebibytes),
    bytes: mebibytes * MIB,
    loadBars: [secondsAtMost(2.6)],
  });
  const { runs } = bench;
  const bytes = mebibytes * MIB;
  const wire = megabytes(statSync(object).size);
  return [
    ...rows,
    {
      name: `zlib alone, ${name}`,
      what: `Node.js' \`createGunzip\` on the same object, ${wire} MB, from a file to nowhere: the floor of a load on one thread`,
      runs: runElsewhere(bench, runs.long, 'exec "$1" -e "$2" "$3"', process.execPath, GUNZIP_ALONE, object),
      bytes,
    },
    {
      name: `GNU tar, load ${name}`,
      what: "`tar -xzf` of the same object, from a file",
      runs: runElsewhere(bench, 1, 'tar -xzf "$1"', object),
      bytes,
    },
  ];
}

/** Many small files, gzipped. */
export async function smallFilesRows(bench: Bench): Promise<Row[]> {
  const count = 20_000 / bench.shrink;
  const name = `${count.toLocaleString("en")} files of 10 kB as tgz`;
  const bytes = count * 10_000;
  const { rows, object } = await transfer(bench, {
    name,
    make: (path) => writeSmallFiles(path, count, 10_000),
    bytes,
  });
  return [
    ...rows,
    {
      name: `GNU tar, load ${name}`,
      what: "`tar -xzf` of the same object, from a file",
      runs: runElsewhere(bench, bench.runs.long, 'tar -xzf "$1"', object),
      bytes,
    },
  ];
}

/** One large file as it is. */
export async function rawRows(bench: Bench): Promise<Row[]> {
  const mebibytes = 512 / bench.shrink;
  const { rows } = await transfer(bench, {
    name: `${mebibytes} MiB as it is`,
    make: (path) => writeHalfRandomFile(path, mebibytes),
    bytes: mebibytes * MIB,
    archive: { none: {} },
  });
  return rows;
}

/** Saves the content from a volume as `wait` does, then loads it as `init` does; each once more with one of everything. */
async function transfer(bench: Bench, { name, ...transferCase }: TransferCase): Promise<Transferred> {
  const { make, bytes, archive, loadBars = [] } = transferCase;
  const key = `bench/${randomBytes(4).toString("hex")}`;
  const artifact: Artifact = {
    name: "content",
    path: "/data/content",
    s3: { key },
    ...(archive && { archive }),
  };
  const how = archive ? "`archive: none`" : "tar and gzip level 6";
  const toSave = templateWith(bench, { outputs: [artifact] });
  const toLoad = templateWith(bench, { inputs: [{ ...artifact, path: "/in/content" }] });
  const load = (environment?: Readonly<Record<string, string>>) => (pod: BenchPod) =>
    pod.run("init", toLoad, { lookEveryMs: LOOK_EVERY_MS, ...(environment && { environment }) });
  return withPod(bench, async (source) => {
    bench.say(`${name}: making it`);
    make(join(source.volume, "content"));
    const save = (environment?: Readonly<Record<string, string>>): Promise<Figures> => {
      finishMain(source);
      bench.say(`${name}: save`);
      return source.run("wait", toSave, { lookEveryMs: LOOK_EVERY_MS, ...(environment && { environment }) });
    };
    const slowSave: Row = {
      name: `save ${name}, one of everything`,
      what: `the same with ${described(ONE_AT_A_TIME)}`,
      runs: [await save(ONE_AT_A_TIME)],
      bytes,
    };
    const saves: Figures[] = [];
    for (let run = 0; run < bench.runs.long; run++) saves.push(await save());
    bench.say(`${name}: load`);
    const slowLoad: Row = {
      name: `load ${name}, one of everything`,
      what: "likewise",
      runs: await repeat(bench, 1, load(ONE_AT_A_TIME)),
      bytes,
    };
    const object = join(bench.objects, key);
    return {
      object,
      rows: [
        {
          name: `save ${name}`,
          what: `\`argoexec wait\`, ${how}, from a volume`,
          runs: saves,
          bytes,
          against: { row: slowSave },
          bars: [memoryBar],
        },
        slowSave,
        {
          name: `load ${name}`,
          what: `\`argoexec init\`; the object has ${megabytes(statSync(object).size)} MB`,
          runs: await repeat(bench, bench.runs.long, load(), 0),
          bytes,
          against: { row: slowLoad },
          bars: [...loadBars, memoryBar],
        },
        slowLoad,
      ],
    };
  });
}

function described(environment: Readonly<Record<string, string>>): string {
  return Object.entries(environment)
    .map(([name, value]) => `\`${name}=${value}\``)
    .join(" ");
}
