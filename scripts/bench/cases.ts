import { randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Artifact, Template } from "@skein/contract";
import { peakAnonymousBytes } from "./anonymous-memory.ts";
import { type BenchParts, type BenchPod, createBenchPod, EXECUTOR, type Figures } from "./pod.ts";
import { type Fact, median, megabytes, type Row } from "./table.ts";

export interface StoreAccess {
  endpoint: string;
  bucket: string;
  accessKey: string;
  secretKey: string;
}

export interface Bench {
  parts: BenchParts;
  store: StoreAccess;
  /** Runs of a case that takes less than a second, and of one that takes longer. */
  runs: { short: number; long: number };
  say(line: string): void;
}

const VOLUME = [{ name: "data", mountPath: "/data" }];

function templateWith(bench: Bench, artifacts: { inputs?: Artifact[]; outputs?: Artifact[] }): Template {
  const { endpoint, bucket } = bench.store;
  return {
    name: "bench",
    inputs: { artifacts: artifacts.inputs ?? [] },
    outputs: { artifacts: artifacts.outputs ?? [] },
    container: { image: "bench", command: ["true"], volumeMounts: VOLUME },
    archiveLocation: {
      s3: {
        endpoint,
        bucket,
        insecure: true,
        accessKeySecret: { name: "s3", key: "accesskey" },
        secretKeySecret: { name: "s3", key: "secretkey" },
        key: "bench/pod",
      },
    },
  };
}

async function withPod<T>(bench: Bench, work: (pod: BenchPod) => Promise<T>): Promise<T> {
  const pod = createBenchPod(bench.parts, {
    accesskey: bench.store.accessKey,
    secretkey: bench.store.secretKey,
  });
  try {
    return await work(pod);
  } finally {
    pod.remove();
  }
}

/** Runs `work` in a fresh pod as often as asked, after one run that is not counted. */
async function repeat(
  bench: Bench,
  runs: number,
  work: (pod: BenchPod) => Promise<Figures>,
): Promise<Figures[]> {
  const counted: Figures[] = [];
  for (let run = 0; run <= runs; run++) {
    const figures = await withPod(bench, work);
    if (run > 0) counted.push(figures);
  }
  return counted;
}

function finishMain(pod: BenchPod): void {
  mkdirSync(pod.shared("ctr/main"), { recursive: true });
  writeFileSync(pod.shared("ctr/main/exitcode"), "0");
}

/** `init` and `wait` of a pod without artifacts, and `init` with the smallest artifact there is. */
export async function processCases(bench: Bench): Promise<Row[]> {
  const empty = templateWith(bench, {});
  const key = `bench/tiny-${randomBytes(4).toString("hex")}`;
  const tiny: Artifact = { name: "tiny", path: "/data/tiny", archive: { none: {} }, s3: { key } };
  await withPod(bench, async (pod) => {
    writeFileSync(join(pod.volume, "tiny"), "hello world\n");
    finishMain(pod);
    await pod.run("wait", templateWith(bench, { outputs: [tiny] }));
  });
  const wait = (pod: BenchPod): Promise<Figures> => {
    finishMain(pod);
    return pod.run("wait", empty);
  };
  const loadTiny = templateWith(bench, { inputs: [{ ...tiny, path: "/in/tiny" }] });
  return [
    {
      name: "init, no artifacts",
      what: "`argoexec init`",
      runs: await repeat(bench, bench.runs.short, (pod) => pod.run("init", empty)),
    },
    {
      name: "init, one artifact of 12 bytes",
      what: "`argoexec init`, S3, `archive: none`",
      runs: await repeat(bench, bench.runs.short, (pod) => pod.run("init", loadTiny)),
    },
    {
      name: "wait, no artifacts",
      what: "`argoexec wait`, main already ended: begin and finish, API server over TLS",
      runs: await repeat(bench, bench.runs.short, wait),
    },
    {
      name: "whole pod, no artifacts",
      what: "`init`, then `wait` and the wrapper of `true`: from the first one's start to the last one's end, CPU of all three",
      runs: await repeat(bench, bench.runs.short, (pod) => wholePod(pod, empty)),
    },
  ];
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

/** Of the acts of `wait` in a pod without artifacts; the largest of all runs. */
async function anonymousBytesOfWait(bench: Bench): Promise<number> {
  let peak = 0;
  await repeat(bench, bench.runs.short, async (pod) => {
    finishMain(pod);
    let sampled: Promise<number> | undefined;
    const figures = await pod.run("wait", templateWith(bench, {}), ({ pid, exitCode }) => {
      sampled = peakAnonymousBytes(pid, exitCode);
    });
    peak = Math.max(peak, (await sampled) ?? 0);
    return figures;
  });
  return peak;
}

/** What a pod pays while and after its main process runs. */
export async function frontFacts(bench: Bench): Promise<Fact[]> {
  const copied = await withPod(bench, async (pod) => {
    await pod.run("init", templateWith(bench, {}));
    return statSync(pod.shared("argoexec")).size;
  });
  const delays: number[] = [];
  for (let run = 0; run < bench.runs.short * 2; run++)
    delays.push(await withPod(bench, (pod) => exitCodeDelay(bench, pod)));
  const idle = (container: "main" | "wait"): Promise<number> =>
    withPod(bench, (pod) => idleResidentBytes(bench, pod, container));
  return [
    {
      name: "bytes copied into a pod",
      value: `${megabytes(copied)} MB`,
      what: "size of `/var/run/argo/argoexec`",
    },
    {
      name: "main's end → its exit-code file",
      value: `${median(delays).toFixed(1)} ms (max ${Math.max(...delays).toFixed(1)})`,
      what: `from the time the process's last program prints to an observer's seeing \`exitcode\`, the ends of two processes included, ${delays.length} runs`,
    },
    {
      name: "resident memory of the wrapper",
      value: `${megabytes(await idle("main"))} MB`,
      what: "`VmRSS` of `argoexec emissary` while the user's process sleeps",
    },
    {
      name: "resident memory of an idle wait",
      value: `${megabytes(await idle("wait"))} MB`,
      what: "`VmRSS` of `argoexec wait` once `begin` has ended; the core is not running",
    },
    {
      name: "anonymous memory of begin and finish, at most",
      value: `${megabytes(await anonymousBytesOfWait(bench))} MB`,
      what: "`RssAnon` of the largest process of `argoexec wait`, no artifacts, looked at every 2 ms",
    },
  ];
}

function emissary(...command: string[]): string[] {
  return [join(EXECUTOR, "bin/argoexec"), "emissary", "--loglevel", "error", "--", ...command];
}

/** Milliseconds from the last thing the process does until somebody who watches has the exit-code file. */
async function exitCodeDelay(bench: Bench, pod: BenchPod): Promise<number> {
  writeFileSync(pod.shared("template"), JSON.stringify(templateWith(bench, {})));
  mkdirSync(pod.shared("ctr/main"), { recursive: true });
  const appeared = new Promise<number>((resolve) => {
    const watcher = watch(pod.shared("ctr/main"), (_event, name) => {
      if (name !== "exitcode") return;
      watcher.close();
      resolve(performance.timeOrigin + performance.now());
    });
  });
  const main = await pod.start(
    "main",
    emissary("sh", "-c", "sleep 0.2; date +%s%N >/var/run/argo/ended"),
  );
  const at = await appeared;
  await main.exitCode;
  return at - Number(BigInt(readFileSync(pod.shared("ended"), "utf8").trim()) / 1000n) / 1000;
}

async function idleResidentBytes(bench: Bench, pod: BenchPod, container: "main" | "wait"): Promise<number> {
  writeFileSync(pod.shared("template"), JSON.stringify(templateWith(bench, {})));
  const argv = container === "main" ? emissary("sleep", "60") : ["argoexec", "wait"];
  const running = await pod.start(container, argv);
  const journal = pod.shared(`skein/journal/${container}.jsonl`);
  const settled = container === "main" ? '"process.start"' : '"act.end"';
  while (!readIfThere(journal).includes(settled)) await delay(20);
  await delay(500); // what was freed has been given back
  const status = readFileSync(`/proc/${running.pid}/status`, "utf8");
  running.kill("SIGKILL");
  await running.exitCode;
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

export interface TransferCase {
  name: string;
  /** Makes the content in the volume of the pod, at `content`. */
  make(path: string): void;
  /** Bytes of content. */
  bytes: number;
}

/** Saves the content from a volume as `wait` does, then loads it as `init` does. */
export async function transferCases(bench: Bench, transfer: TransferCase): Promise<Row[]> {
  const key = `bench/${randomBytes(4).toString("hex")}.tgz`;
  const artifact: Artifact = { name: "content", path: "/data/content", s3: { key } };
  const { name, bytes } = transfer;
  bench.say(`making ${name}`);
  return withPod(bench, async (source) => {
    transfer.make(join(source.volume, "content"));
    const saves: Figures[] = [];
    for (let run = 0; run < bench.runs.long; run++) {
      finishMain(source);
      bench.say(`save ${name}, run ${run + 1}`);
      saves.push(await source.run("wait", templateWith(bench, { outputs: [artifact] })));
    }
    bench.say(`load ${name}`);
    const load = templateWith(bench, { inputs: [{ ...artifact, path: "/in/content" }] });
    const loads = await repeat(bench, bench.runs.long, (pod) => pod.run("init", load));
    return [
      {
        name: `save ${name}`,
        what: "`argoexec wait`, tar and gzip level 6, from a volume",
        runs: saves,
        bytes,
      },
      { name: `load ${name}`, what: "`argoexec init`, gunzip and untar", runs: loads, bytes },
    ];
  });
}
