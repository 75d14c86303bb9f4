import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Artifact, Template } from "@skein/contract";
import { cpuAtMost, secondsAtMost } from "./bars.ts";
import { type Bench, finishMain, repeat, templateWith, withPod } from "./bench.ts";
import { type BenchPod, EXECUTOR, type Figures } from "./pod.ts";
import type { Row } from "./table.ts";

/** Whole containers that move next to nothing, and what the runtime alone takes. */
export async function processRows(bench: Bench): Promise<Row[]> {
  const empty = templateWith(bench, {});
  const tiny = await saveTiny(bench);
  const loadTiny = templateWith(bench, { inputs: [{ ...tiny, path: "/in/tiny" }] });
  const node = join(EXECUTOR, "opt/skein/bin/node");
  const wait = (pod: BenchPod): Promise<Figures> => {
    finishMain(pod);
    return pod.run("wait", empty);
  };
  const runs = (work: (pod: BenchPod) => Promise<Figures>): Promise<Figures[]> =>
    repeat(bench, bench.runs.short, work);
  return [
    {
      name: "bare node",
      what: "the executor's Node.js with an empty program: what any program on it takes",
      runs: await runs((pod) => pod.runProgram([node, "-e", "0"])),
    },
    {
      name: "init, no artifacts",
      what: "`argoexec init`",
      runs: await runs((pod) => pod.run("init", empty)),
    },
    {
      name: "init, one artifact of 12 bytes",
      what: "`argoexec init`, S3, `archive: none`",
      runs: await runs((pod) => pod.run("init", loadTiny)),
      bars: [secondsAtMost(0.2)],
    },
    {
      name: "wait, no artifacts",
      what: "`argoexec wait`, main already ended: begin and finish, API server over TLS",
      runs: await runs(wait),
    },
    {
      name: "whole pod, no artifacts",
      what: "`init`, then `wait` and the wrapper of `true`: from the first one's start to the last one's end, CPU of all three",
      runs: await runs((pod) => wholePod(pod, empty)),
      bars: [cpuAtMost(0.4)],
    },
  ];
}

async function saveTiny(bench: Bench): Promise<Artifact> {
  const key = `bench/tiny-${randomBytes(4).toString("hex")}`;
  const tiny: Artifact = { name: "tiny", path: "/data/tiny", archive: { none: {} }, s3: { key } };
  await withPod(bench, async (pod) => {
    writeFileSync(join(pod.volume, "tiny"), "hello world\n");
    finishMain(pod);
    await pod.run("wait", templateWith(bench, { outputs: [tiny] }));
  });
  return tiny;
}

async function wholePod(pod: BenchPod, template: Template): Promise<Figures> {
  const startMs = performance.now();
  const init = await pod.run("init", template);
  const all = [init, ...(await Promise.all([pod.run("wait", template), pod.run("main", template)]))];
  return {
    wallSeconds: (performance.now() - startMs) / 1000,
    cpuSeconds: all.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
    maxRssBytes: Math.max(...all.map(({ maxRssBytes }) => maxRssBytes)),
  };
}
