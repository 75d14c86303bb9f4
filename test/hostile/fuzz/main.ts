/**
 * `make fuzz`: damages archives for FUZZ_SECONDS (default 60) and extracts them. Nothing outside may be touched, nothing inside
 * may be dangerous, every error must be one of ours, no input may take more than 20 s of
 * processor time or more than 600 MB.
 * FUZZ_SEED repeats a run; `make fuzz INPUT=out/fuzz/….tar` tries one stored input again.
 */
import { type ChildProcess, fork } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createCanary } from "../support/canary.ts";
import type { Kind } from "./inputs.ts";
import { tryInput } from "./try-input.ts";
import type { Report } from "./worker.ts";

/** A busy machine makes everything slow, so the work counts; the wall clock only shows who waits for ever. */
const MAX_CPU_SECONDS_PER_INPUT = 20;
const MAX_SECONDS_PER_INPUT = 180;
const MAX_RSS_MB = 600;
const KEEP = join(import.meta.dirname, "../../../out/fuzz");

const print = (line: string): unknown => process.stdout.write(`${line}\n`);
const [stored] = process.argv.slice(2);
process.exitCode = (stored === undefined ? await fuzz() : await again(stored)) ? 0 : 1;

async function again(path: string): Promise<boolean> {
  using canary = createCanary();
  const kind: Kind = path.endsWith(".zip") ? "zip" : "tar";
  const what = await tryInput({ kind, bytes: readFileSync(path) }, canary, 1000);
  print(what ?? "nothing is wrong with it");
  return what === undefined;
}

async function fuzz(): Promise<boolean> {
  const seconds = Number(process.env.FUZZ_SECONDS || 60);
  let seed = Number(process.env.FUZZ_SEED || Date.now() % 1_000_000_000);
  const endMs = Date.now() + seconds * 1000;
  print(`fuzz: ${seconds} s, FUZZ_SEED=${seed}`);
  let runs = 0;
  let failures = 0;
  let peakMb = 0;
  while (Date.now() < endMs) {
    const watched = await watch(seed, endMs);
    runs += watched.runs;
    failures += watched.failures;
    peakMb = Math.max(peakMb, watched.peakMb);
    seed += watched.runs + 1_000_000; // elsewhere, after a worker has died
  }
  print(`fuzz: ${runs} inputs, ${failures} failures, ${peakMb} MB at most`);
  return failures === 0;
}

interface Watched {
  runs: number;
  failures: number;
  peakMb: number;
}

/** One worker, until the time is over or it has to go. */
async function watch(seed: number, endMs: number): Promise<Watched> {
  const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "skein-fuzz-"));
  const current = join(directory, "current");
  const worker = fork(join(import.meta.dirname, "worker.ts"), [String(seed), current], {
    env: { ...process.env, TMPDIR: directory },
    execArgv: ["--max-old-space-size=256"],
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const watched: Watched = { runs: 0, failures: 0, peakMb: 0 };
  const fail = (what: string, inputs: string, name: string): void => {
    watched.failures++;
    mkdirSync(KEEP, { recursive: true });
    for (const kind of ["tar", "zip"]) {
      if (existsSync(`${inputs}.${kind}`)) copyFileSync(`${inputs}.${kind}`, join(KEEP, `${name}.${kind}`));
    }
    print(`FAILED ${join(KEEP, name)}: ${what}`);
  };
  try {
    await follow(worker, endMs, {
      onReport(report) {
        if (report.kind === "wrong") fail(report.what, `${current}-${report.seed}`, `seed-${report.seed}`);
        else {
          watched.runs = report.runs;
          watched.peakMb = Math.max(watched.peakMb, report.rssMb);
        }
        if (watched.peakMb > MAX_RSS_MB) throw new Error(`it takes ${watched.peakMb} MB`);
      },
    });
  } catch (error) {
    fail((error as Error).message, current, `died-${seed}-${watched.runs}`);
  } finally {
    worker.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  }
  return watched;
}

/** Resolves when the time is over; rejects when the worker dies or hangs, or a report is a complaint. */
function follow(
  worker: ChildProcess,
  endMs: number,
  { onReport }: { onReport: (report: Report) => void },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = setTimeout(resolve, Math.max(endMs - Date.now(), 0));
  let heardMs = Date.now();
  let cpuSecondsThen = 0;
  const watching = setInterval(() => {
    const silentSeconds = (Date.now() - heardMs) / 1000;
    const busySeconds = cpuSeconds(worker) - cpuSecondsThen;
    if (busySeconds > MAX_CPU_SECONDS_PER_INPUT || silentSeconds > MAX_SECONDS_PER_INPUT)
      reject(
        new Error(`no answer for ${silentSeconds.toFixed(0)} s, ${busySeconds.toFixed(0)} s of them at work`),
      );
  }, 1000);
  worker.on("message", (report: Report) => {
    heardMs = Date.now();
    cpuSecondsThen = cpuSeconds(worker);
    try {
      onReport(report);
    } catch (error) {
      reject(error as Error);
    }
  });
  worker.once("exit", (code, signal) =>
    reject(new Error(`the extraction ended the process: ${signal ?? code}`)),
  );
  return promise.finally(() => {
    clearTimeout(end);
    clearInterval(watching);
    worker.removeAllListeners();
  });
}

/** Of all its threads; proc_pid_stat(5), in the ticks of 10 ms that Linux reports everywhere. */
function cpuSeconds({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1")
      .replace(/^.*\) /, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0; // it has just ended, and that is told elsewhere
  }
}
