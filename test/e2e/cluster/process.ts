import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";

/** A server of the cluster: a real program that runs until it is told to stop. */
export interface Server {
  pid: number;
  /** Resolves when it has ended, however that came. */
  ended: Promise<void>;
  /** SIGTERM, and SIGKILL after ten seconds. */
  stop(): Promise<void>;
  /** SIGKILL: what a power cut does. */
  kill(): Promise<void>;
}

export interface ServerOptions {
  argv: readonly [string, ...string[]];
  env?: Readonly<Record<string, string>>;
  /** File for everything it prints; later starts append. */
  log: string;
  /** Asked every 50 ms whether the server serves. */
  isReady: () => Promise<boolean>;
  /** Default 60 s. */
  startTimeoutMs?: number;
}

const POLL_MS = 50;
const STOP_MS = 10_000;

/**
 * Starts a program in a process group of its own, so that Ctrl-C reaches only the suite, which then ends things in order.
 *
 * @throws Error with the end of the log when the program ends or is not ready in time
 */
export async function startServer(options: ServerOptions): Promise<Server> {
  const { argv, env = {}, log, isReady, startTimeoutMs = 60_000 } = options;
  const [program, ...args] = argv;
  const output = openSync(log, "a");
  const child = spawn(program, args, {
    detached: true,
    env: { PATH: process.env.PATH, ...env },
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  const server: Server = {
    pid: child.pid ?? 0,
    ended,
    stop: () => end(child, ended, "SIGTERM"),
    kill: () => end(child, ended, "SIGKILL"),
  };
  const deadline = Date.now() + startTimeoutMs;
  while (isRunning(child) && Date.now() < deadline) {
    if (await isReady().catch(() => false)) return server;
    await delay(POLL_MS);
  }
  await server.kill();
  throw new Error(`${program} did not start; the end of ${log}:\n${tail(log)}`);
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null;
}

async function end(child: ChildProcess, ended: Promise<void>, signal: "SIGTERM" | "SIGKILL"): Promise<void> {
  if (!isRunning(child)) return;
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), STOP_MS);
  await ended;
  clearTimeout(timer);
}

function tail(path: string): string {
  return readFileSync(path, "utf8").slice(-2000);
}
