import { linkSync } from "node:fs";
import { join } from "node:path";
import type { ControllerVersion } from "../../test/e2e/controller/versions.ts";
import type { StepRequest } from "../../test/e2e/suite/run-step.ts";
import type { World } from "../../test/e2e/suite/world.ts";
import type { Cgroups } from "./cgroups.ts";
import { type MeasureOptions, measurePod, type PodFigures } from "./measure-pod.ts";

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
  bigFile: { path: string; megabytes: number };
  say(line: string): void;
}

const MIB = 1024 * 1024;

/** The rows for pods of one layout. */
export async function podRows(bench: PodBench, version: ControllerVersion): Promise<PodRow[]> {
  const { world, runs, bigFile } = bench;
  const { busybox } = world.images;
  const template = (name: string, script: string) => ({
    name,
    container: { image: busybox, command: ["sh", "-c"], args: [script] },
  });
  const empty: StepRequest = { archiveLogs: false, template: template("empty", "true") };
  const idle: StepRequest = { archiveLogs: false, template: template("idle", "sleep 4") };
  const hello: StepRequest = {
    archiveLogs: false,
    template: {
      ...template("hello", "echo hello world >/tmp/hello"),
      outputs: { artifacts: [{ name: "hello", path: "/tmp/hello" }] },
    },
  };
  const save: StepRequest = {
    archiveLogs: false,
    template: {
      ...template("save", "true"),
      container: {
        image: busybox,
        command: ["true"],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
      },
      volumes: [{ name: "data", emptyDir: {} }],
      outputs: { artifacts: [{ name: "big", path: "/data/big" }] },
    },
    onPod: ({ volumes }) => linkSync(bigFile.path, join(volumes.path("data"), "big")),
  };
  const row = async (
    name: string,
    what: string,
    request: StepRequest,
    count: number,
    options: MeasureOptions = {},
  ): Promise<PodRow> => {
    const figures: PodFigures[] = [];
    // The first one, which finds nothing warm, does not count.
    for (let run = 0; run <= count; run++) {
      bench.say(`${name}, ${version.layout}, run ${run} of ${count}`);
      const one = await measurePod(world, bench.cgroups, version, request, options);
      if (one.end.verdict.phase !== "Succeeded") throw new Error(`${name}: ${one.end.verdict.message}`);
      if (run > 0) figures.push(one);
    }
    return { name, what, version, runs: figures };
  };
  const saved = await row(
    `save ${bigFile.megabytes} MB`,
    "one file, three quarters random, from a volume as tgz",
    save,
    runs.long,
  );
  const big = saved.runs.at(-1)?.end.result?.outputs?.artifacts?.[0]?.s3?.key ?? "";
  const load: StepRequest = {
    archiveLogs: false,
    template: {
      ...template("load", "true"),
      inputs: { artifacts: [{ name: "big", path: "/in/big", s3: { key: big } }] },
    },
  };
  return [
    await row("empty", "no artifacts, no logs, main is `true`", empty, runs.short),
    await row("hello", "main writes 12 bytes, which become one artifact", hello, runs.short),
    await row(`load ${bigFile.megabytes} MB`, "the same file, from the store", load, runs.long),
    saved,
    await row("idle", "main sleeps 4 s; looked at after 3 s", idle, Math.min(runs.short, 3), {
      idleAfterMs: 3000,
    }),
  ];
}

/** Of the file that `path` is to be, in MiB: gzip leaves about 400 MB of 512 MiB. */
export const BIG_MEBIBYTES = 512;

export function toMegabytes(mebibytes: number): number {
  return Math.round((mebibytes * MIB) / 1e6);
}
