import { linkSync, statSync } from "node:fs";
import { join } from "node:path";
import type { ControllerVersion } from "../../test/e2e/controller/versions.ts";
import { objectOf } from "../../test/e2e/suite/objects.ts";
import type { StepRequest } from "../../test/e2e/suite/run-step.ts";
import type { World } from "../../test/e2e/suite/world.ts";
import { megabytes } from "../bench/table.ts";
import type { Cgroups } from "./cgroups.ts";
import { measurePod, type PodFigures } from "./measure-pod.ts";

export interface PodRow {
  name: string;
  what: string;
  version: ControllerVersion;
  runs: PodFigures[];
}

export interface PodBench {
  world: World;
  cgroups: Cgroups;
  runs: { short: number; long: number };
  /** A file on the disk of the pods' volumes. */
  bigFile: string;
  say(line: string): void;
}

interface RowRequest {
  name: string;
  what: string;
  request: StepRequest;
  count: number;
  idleAfterMs?: number;
}

/** The rows for pods of one layout. */
export async function podRows(bench: PodBench, version: ControllerVersion): Promise<PodRow[]> {
  const { world, runs, bigFile } = bench;
  const row = (request: RowRequest): Promise<PodRow> => measureRow(bench, version, request);
  const fileSize = `${megabytes(statSync(bigFile).size)} MB, half random, half hexadecimal digits`;
  const { empty, hello, save, load, idle } = requests(world, bigFile);
  const saved = await row({
    name: "save",
    what: `a file of ${fileSize}, from a volume, level 6`,
    request: save,
    count: runs.long,
  });
  const key = saved.runs.at(-1)?.end.result?.outputs?.artifacts?.[0]?.s3?.key ?? "";
  const size = `${megabytes(objectOf(world, key)?.length ?? 0)} MB`;
  saved.name = `save ${size} tgz`;
  return [
    await row({
      name: "empty",
      what: "no artifacts, no logs, main is `true`",
      request: empty,
      count: runs.short,
    }),
    await row({
      name: "hello",
      what: "main writes 12 bytes, which become one artifact",
      request: hello,
      count: runs.short,
    }),
    await row({
      name: `load ${size} tgz`,
      what: `a file of ${fileSize}, to main's path`,
      request: load(key),
      count: runs.long,
    }),
    saved,
    await row({
      name: "idle",
      what: "main sleeps 4 s; looked at after 3 s",
      request: idle,
      count: runs.long,
      idleAfterMs: 3000,
    }),
  ];
}

function requests({ images }: World, bigFile: string) {
  const shell = (name: string, script: string, more: object = {}): StepRequest => ({
    archiveLogs: false,
    template: {
      name,
      container: { image: images.busybox, command: ["sh", "-c"], args: [script] },
      ...more,
    },
  });
  const save: StepRequest = {
    archiveLogs: false,
    template: {
      name: "save",
      container: {
        image: images.busybox,
        command: ["true"],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
      volumes: [{ name: "data", emptyDir: {} }],
      outputs: { artifacts: [{ name: "big", path: "/data/big" }] },
    },
    onPod: ({ volumes }) => linkSync(bigFile, join(volumes.path("data"), "big")),
  };
  return {
    empty: shell("empty", "true"),
    idle: shell("idle", "sleep 4"),
    hello: shell("hello", "echo hello world >/tmp/hello", {
      outputs: { artifacts: [{ name: "hello", path: "/tmp/hello" }] },
    }),
    save,
    load: (key: string) =>
      shell("load", "true", { inputs: { artifacts: [{ name: "big", path: "/in/big", s3: { key } }] } }),
  };
}

/** The first run, which finds nothing warm, does not count. */
async function measureRow(bench: PodBench, version: ControllerVersion, row: RowRequest): Promise<PodRow> {
  const { name, what, request, count, idleAfterMs } = row;
  const runs: PodFigures[] = [];
  for (let run = 0; run <= count; run++) {
    bench.say(`${name}, ${version.layout}, run ${run} of ${count}`);
    const options = idleAfterMs === undefined ? {} : { idleAfterMs };
    const figures = await measurePod(bench.world, bench.cgroups, version, request, options);
    if (figures.end.verdict.phase !== "Succeeded") throw new Error(`${name}: ${figures.end.verdict.message}`);
    if (run > 0) runs.push(figures);
  }
  return { name, what, version, runs };
}
