import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import type { Readable } from "node:stream";
import { errorMessage } from "@skein/contract";

export interface SandboxProcess {
  /** The command's process id, as the machine numbers it. In its container it is 1. */
  readonly pid: number;
  /** As a kubelet reports it: the command's own code, or 128+n when signal n ended it. Never rejects. */
  readonly exitCode: Promise<number>;
  /** To the command alone, as `kill` inside the container would; a command that has ended is no error. */
  kill(signal: NodeJS.Signals): void;
  /** Whether the command has a handler for the signal. Process 1 of a container does not get one it has none for. */
  catches(signal: NodeJS.Signals): boolean;
}

interface StartOptions {
  argv: readonly string[];
  environment: Readonly<Record<string, string>>;
  /** Descriptor of the file that gets stdout and stderr. */
  log: number;
  /** For messages: the command that is to run in the container. */
  name: string;
}

/**
 * Starts a container's script and waits for its word that the command runs.
 *
 * @throws Error with what the script complained about, when it never came so far
 */
export async function startProcess(options: StartOptions): Promise<SandboxProcess> {
  const { argv, environment, log, name } = options;
  const [program = "", ...args] = argv;
  const child = spawn(program, args, {
    env: { ...environment },
    stdio: ["ignore", log, log, "pipe"],
    // A session of its own: Ctrl-C in the terminal is for the lab, which stops its pods in order.
    detached: true,
  });
  registerForExit(child);
  const exitCode = exitOf(child);
  const { pid, complaints } = await readReport(child.stdio[3] as Readable);
  if (pid === undefined || complaints !== undefined) {
    const code = await exitCode;
    throw new Error(
      `cannot make the container for ${name} (exit code ${code}): ${complaints ?? ""}`.trimEnd(),
    );
  }
  return {
    pid,
    exitCode,
    kill: (signal) => signalProcess(pid, signal),
    catches: (signal) => catchesSignal(pid, signal),
  };
}

/** Reads descriptor 3 until the command takes over or the script dies. (Its parent holds it open as long as it lives.) */
async function readReport(report: Readable): Promise<{ pid?: number; complaints?: string }> {
  let text = "";
  for await (const chunk of report.setEncoding("utf8")) {
    text += chunk;
    if (/^ready$/m.test(text)) break;
  }
  const pid = /^pid (\d+)$/m.exec(text)?.[1];
  const ready = /^ready$/m.test(text);
  return {
    ...(pid === undefined ? {} : { pid: Number(pid) }),
    ...(ready ? {} : { complaints: text.replace(/^pid \d+\n/, "").trim() }),
  };
}

async function exitOf(child: ChildProcess): Promise<number> {
  try {
    const [code, signal] = (await once(child, "exit")) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal ? constants.signals[signal] : 0);
  } catch (error) {
    throw new Error(`cannot start ${child.spawnfile}: ${errorMessage(error)}`, { cause: error });
  }
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** `SigCgt` of https://man7.org/linux/man-pages/man5/proc_pid_status.5.html: a bit per signal, the first one for signal 1. */
function catchesSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    const mask = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    return ((BigInt(`0x${mask}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  } catch {
    return false; // it has ended
  }
}

const running = new Set<ChildProcess>();

/** However the lab ends by itself, no container outlives it: with its process 1 everything in it ends. */
function registerForExit(child: ChildProcess): void {
  if (running.size === 0) process.on("exit", killAll);
  running.add(child);
  child.once("exit", () => {
    running.delete(child);
    if (running.size === 0) process.off("exit", killAll);
  });
}

function killAll(): void {
  // The group of the parent and process 1; what the command has started may be in others.
  for (const { pid } of running) if (pid !== undefined) signalProcess(-pid, "SIGKILL");
}
