import { type ChildProcess, spawn } from "node:child_process";
import { ArtifactError } from "@skein/contract";
import { translateGitFailure } from "./git-errors.ts";

export interface GitRun {
  /** Begins the message of a failure. */
  doing: string;
  cwd?: string;
  /** Takes standard output as it comes; without it, it is collected and returned. */
  onStdout?: (chunk: Buffer) => void;
  /** Takes every line of progress and complaint; `\r` ends a line as well. */
  onLine?: (line: string) => void;
}

export interface Git {
  /**
   * Runs git and waits for it and everything it has started.
   *
   * @returns its standard output
   * @throws ArtifactError that says what git said
   */
  run(args: readonly string[], run: GitRun): Promise<string>;
}

export interface GitOptions {
  program: string;
  /** All of its environment; nothing is inherited. */
  env: Readonly<Record<string, string>>;
  /** Kills git with the helpers, ssh and index-pack it has started. */
  signal: AbortSignal;
}

/** What a process group may still do after SIGTERM. git removes its lock files then. */
const GRACE_MS = 2000;
const MAX_STDERR_BYTES = 32 * 1024;
const MAX_STDOUT_BYTES = 16 * 1024 * 1024;

/** The executor runs with none, and git would make every file of a checkout writable for all; as upstream: 0644, 0755. */
const CHECKOUT_UMASK = 0o022;

export function createGit({ program, env, signal }: GitOptions): Git {
  return {
    async run(args, { doing, cwd, onStdout, onLine }) {
      signal.throwIfAborted();
      // A group of its own, so that it can be ended as a whole.
      const child = withUmask(CHECKOUT_UMASK, () =>
        spawn(program, [...args], { cwd, env, detached: true, stdio: ["ignore", "pipe", "pipe"] }),
      );
      const stdout = new Tail(MAX_STDOUT_BYTES);
      const stderr = new Tail(MAX_STDERR_BYTES);
      const lines = onLine && lineSplitter(onLine);
      child.stdout.on("data", onStdout ?? ((chunk: Buffer) => stdout.push(chunk)));
      child.stderr.on("data", (chunk: Buffer) => {
        stderr.push(chunk);
        lines?.(chunk.toString());
      });
      const { exitCode, signal: killedBy } = await untilClosed(child, signal, program);
      signal.throwIfAborted();
      if (exitCode === 0) return stdout.text();
      throw translateGitFailure(doing, { exitCode, signal: killedBy, stderr: stderr.text() });
    },
  };
}

/** `spawn` forks before it returns, so the child has this umask and nobody else sees it for longer than that. */
function withUmask<T>(umask: number, work: () => T): T {
  const before = process.umask(umask);
  try {
    return work();
  } finally {
    process.umask(before);
  }
}

function untilClosed(
  child: ChildProcess,
  signal: AbortSignal,
  program: string,
): Promise<{ exitCode: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    let grace: NodeJS.Timeout | undefined;
    const onAbort = (): void => {
      killGroup(child, "SIGTERM");
      grace = setTimeout(() => killGroup(child, "SIGKILL"), GRACE_MS);
    };
    const settle = (): void => {
      clearTimeout(grace);
      signal.removeEventListener("abort", onAbort);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    child.once("error", (error: NodeJS.ErrnoException) => {
      settle();
      reject(cannotStart(program, error));
    });
    child.once("close", (exitCode, killedBy) => {
      settle();
      resolve({ exitCode, signal: killedBy });
    });
  });
}

function killGroup({ pid }: ChildProcess, how: "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, how);
  } catch {
    // The group has ended by itself in this moment, which is what was wanted.
  }
}

function cannotStart(program: string, error: NodeJS.ErrnoException): ArtifactError {
  return new ArtifactError(`cannot run ${program}: ${error.message}`, {
    code: "git.failed",
    ...(error.code === "ENOENT" && { remedy: "the image of the executor has no git; use one that has" }),
    cause: error,
  });
}

function lineSplitter(onLine: (line: string) => void): (text: string) => void {
  let rest = "";
  return (text) => {
    const lines = (rest + text).split(/[\r\n]/);
    rest = lines.pop() ?? "";
    for (const line of lines) if (line !== "") onLine(line);
  };
}

/** The last bytes of an output: the reason of a failure stands at its end. */
class Tail {
  readonly #maxBytes: number;
  #chunks: Buffer[] = [];
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.byteLength;
    if (this.#bytes <= 2 * this.#maxBytes) return;
    this.#chunks = [Buffer.concat(this.#chunks).subarray(-this.#maxBytes)];
    this.#bytes = this.#maxBytes;
  }

  text(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#maxBytes).toString();
  }
}
