import { execFile, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** What a finished command of the container engine said. */
export interface Finished {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** The container engine, and which of its containers are ours. */
export interface Podman {
  /** Rejects when it exits with another code than 0. */
  run(...args: string[]): Promise<string>;
  /** The same, whatever the code. */
  try(...args: string[]): Promise<Finished>;
  /**
   * Starts a container in the foreground; its output goes to `log`. Resolves when its process runs, and rejects with the
   * engine's words when it cannot be started.
   */
  start(container: { name: string; args: readonly string[]; log: string; pidFile: string }): Promise<Running>;
  /** As whom a container of the image runs by itself: `""`, `0`, `8737:8737`, `nobody`. Asked once. */
  userOf(image: string): Promise<string>;
  /** Ends and removes every container of this run. */
  removeAll(): Promise<void>;
}

export interface Running {
  /** Of the container's first process, as this machine sees it. */
  pid: number;
  /** Resolves when the container has ended. */
  ended: Promise<void>;
}

/** Of every container of a run, so that only they are ended. */
const LABEL = "dev.skein.e2e";
const POLL_MS = 5;

/** @param run name of this run of the suite */
export function createPodman(run: string, containersConf: string): Podman {
  const env = { PATH: process.env.PATH, CONTAINERS_CONF: containersConf };
  const tryRun = (...args: string[]): Promise<Finished> =>
    new Promise((resolve) => {
      const options = { env, maxBuffer: 64 * 1024 * 1024, encoding: "utf8" } as const;
      execFile("podman", args, options, (error, stdout, stderr) => {
        const exitCode = error ? (typeof error.code === "number" ? error.code : -1) : 0;
        resolve({ exitCode, stdout, stderr: stderr || (error && exitCode < 0 ? error.message : "") });
      });
    });
  const mustRun = async (...args: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await tryRun(...args);
    if (exitCode !== 0)
      throw new Error(`podman ${args.join(" ")}: ${stderr.trim() || `exit code ${exitCode}`}`);
    return stdout.trim();
  };
  const users = new Map<string, Promise<string>>();
  return {
    run: mustRun,
    try: tryRun,
    async start({ name, args, log, pidFile }) {
      const output = openSync(log, "a");
      const all = ["run", "--name", name, "--label", `${LABEL}=${run}`, "--pidfile", pidFile, ...args];
      const child = spawn("podman", all, {
        env,
        // conmon leaves an empty file `oom` where it is, when the kernel kills a container.
        cwd: dirname(log),
        // Not in the suite's process group: Ctrl-C is the suite's business.
        detached: true,
        stdio: ["ignore", output, output],
      });
      closeSync(output);
      const ended = new Promise<void>((resolve, reject) => {
        child.once("error", reject);
        child.once("exit", () => resolve());
      });
      ended.catch(() => {});
      while (!existsSync(pidFile) && child.exitCode === null) await delay(POLL_MS);
      if (!existsSync(pidFile))
        throw new Error(`podman could not start ${name}: ${readFileSync(log, "utf8").slice(-1000)}`);
      return { pid: Number(readFileSync(pidFile, "utf8")), ended };
    },
    userOf(image) {
      const known = users.get(image) ?? mustRun("image", "inspect", "--format={{.User}}", image);
      users.set(image, known);
      return known;
    },
    async removeAll() {
      const ids = await mustRun("ps", "--all", "--quiet", "--filter", `label=${LABEL}=${run}`);
      if (ids !== "") await mustRun("rm", "--force", "--time", "0", ...ids.split("\n"));
    },
  };
}
