import { mkdirSync, readFileSync, statSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Bench, finishMain, repeat, templateWith, withPod } from "./bench.ts";
import { type BenchPod, EXECUTOR } from "./pod.ts";
import { type Fact, median, megabytes } from "./table.ts";

/** The processes of `wait` live for a quarter of a second. */
const LOOK_EVERY_MS = 2;

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
  const wrapper = await idle("main");
  const idleWait = await idle("wait");
  return [
    {
      name: "bytes copied into a pod",
      value: `${megabytes(copied)} MB`,
      what: "size of `/var/run/argo/argoexec`",
      verdict: { bar: "≤ 3 MB", isMet: copied <= 3e6 },
    },
    {
      name: "main's end → its exit-code file",
      value: `${median(delays).toFixed(1)} ms (max ${Math.max(...delays).toFixed(1)})`,
      what: `from the time the process's last program prints to an observer's seeing \`exitcode\`, the ends of two processes included, ${delays.length} runs`,
      verdict: { bar: "≤ 20 ms", isMet: median(delays) <= 20 },
    },
    {
      name: "resident memory of the wrapper",
      value: `${megabytes(wrapper)} MB`,
      what: "`VmRSS` of `argoexec emissary` while the user's process sleeps",
      verdict: { bar: "≤ 8 MB", isMet: wrapper <= 8e6 },
    },
    {
      name: "resident memory of an idle wait",
      value: `${megabytes(idleWait)} MB`,
      what: "`VmRSS` of `argoexec wait` once `begin` has ended; the core is not running",
      verdict: { bar: "≤ 10 MB", isMet: idleWait <= 10e6 },
    },
    {
      name: "anonymous memory of begin and finish, at most",
      value: `${megabytes(await anonymousBytesOfWait(bench))} MB`,
      what: "`RssAnon` of the largest process of `argoexec wait`, no artifacts, looked at every 2 ms",
    },
  ];
}

/** Of the acts of `wait` in a pod without artifacts; the largest of all runs. */
async function anonymousBytesOfWait(bench: Bench): Promise<number> {
  const runs = await repeat(bench, bench.runs.short, (pod) => {
    finishMain(pod);
    return pod.run("wait", templateWith(bench, {}), { lookEveryMs: LOOK_EVERY_MS });
  });
  return Math.max(...runs.map(({ anonymousBytes = 0 }) => anonymousBytes));
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
  const main = await pod.start("main", emissary("sh", "-c", "sleep 0.2; date +%s%N >/var/run/argo/ended"));
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
