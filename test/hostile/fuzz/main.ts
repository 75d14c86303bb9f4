/**
 * `make fuzz`: damages archives for FUZZ_SECONDS (default 60) and extracts them. Nothing outside may be touched, nothing inside
 * may be dangerous, every error must be one of ours, no input may take longer than 20 s or more than 600 MB.
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

const MAX_SECONDS_PER_INPUT = 20;
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

/** Resolves when the time is over; rejects when the worker dies, is silent for too long, or a report is a complaint. */
function follow(
  worker: ChildProcess,
  endMs: number,
  { onReport }: { onReport: (report: Report) => void },
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const end = setTimeout(resolve, Math.max(endMs - Date.now(), 0));
  const silent = setTimeout(
    () => reject(new Error(`an input takes longer than ${MAX_SECONDS_PER_INPUT} s`)),
    MAX_SECONDS_PER_INPUT * 1000,
  );
  worker.on("message", (report: Report) => {
    silent.refresh();
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
    clearTimeout(silent);
    worker.removeAllListeners();
  });
}
