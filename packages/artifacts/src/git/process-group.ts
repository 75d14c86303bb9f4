import { type ChildProcess, spawn } from "node:child_process";
import { ArtifactError } from "@skein/contract";

export interface ProcessEnd {
  exitCode: number | null;
  signal: string | null;
}

/** What a process group may still do after SIGTERM. git removes its lock files then. */
const GRACE_MS = 2000;
/** After SIGKILL only what has left the group can still hold our pipes. */
const PIPES_MS = 1000;

/** The executor runs with none, and git would make every file of a checkout writable for all; as upstream: 0644, 0755. */
const CHECKOUT_UMASK = 0o022;

/** A program in a group of its own, so that it can be ended with everything it has started. */
export class ProcessGroup {
  readonly #child: ChildProcess;
  readonly #program: string;
  #timers: NodeJS.Timeout[] = [];

  private constructor(child: ChildProcess, program: string) {
    this.#child = child;
    this.#program = program;
  }

  /** @param options.env all of it; nothing is inherited */
  static start(
    [program = "", ...args]: readonly string[],
    options: { cwd: string; env: Readonly<Record<string, string>>; input?: string | undefined },
  ): ProcessGroup {
    const { cwd, env, input } = options;
    const stdin = input === undefined ? "ignore" : "pipe";
    const child = withUmask(CHECKOUT_UMASK, () =>
      spawn(program, args, { cwd, env, detached: true, stdio: [stdin, "pipe", "pipe"] }),
    );
    child.stdin?.on("error", () => {}); // it need not read what it is given
    child.stdin?.end(input);
    return new ProcessGroup(child, program);
  }

  onStdout(take: (chunk: Buffer) => void): void {
    this.#child.stdout?.on("data", take);
  }

  onStderr(take: (chunk: Buffer) => void): void {
    this.#child.stderr?.on("data", take);
  }

  /** Asks all of the group to end, and makes it end when it does not. */
  terminate(): void {
    this.#kill("SIGTERM");
    const killing = setTimeout(() => {
      this.#kill("SIGKILL");
      this.#timers.push(setTimeout(() => this.#letGo(), PIPES_MS));
    }, GRACE_MS);
    this.#timers.push(killing);
  }

  /**
   * Waits until the program and whoever writes to its pipes have ended; the signal terminates them.
   *
   * @throws ArtifactError when it cannot be started
   */
  end(signal: AbortSignal): Promise<ProcessEnd> {
    const child = this.#child;
    return new Promise((resolve, reject) => {
      const onAbort = (): void => this.terminate();
      const settle = (): void => {
        for (const timer of this.#timers) clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        // Those of a terminated group that do not hold the pipes are no longer waited for: they are to end now.
        if (this.#timers.length > 0) this.#kill("SIGKILL");
      };
      signal.addEventListener("abort", onAbort, { once: true });
      child.once("error", (error: NodeJS.ErrnoException) => {
        settle();
        reject(cannotStart(this.#program, error));
      });
      child.once("close", (exitCode, killedBy) => {
        settle();
        resolve({ exitCode, signal: killedBy });
      });
    });
  }

  #kill(how: "SIGTERM" | "SIGKILL"): void {
    const { pid } = this.#child;
    if (pid === undefined) return;
    try {
      process.kill(-pid, how);
    } catch {
      // The group has ended by itself in this moment, which is what was wanted.
    }
  }

  /** What has left the group, and holds our pipes, is not waited for. */
  #letGo(): void {
    this.#child.stdout?.destroy();
    this.#child.stderr?.destroy();
  }
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

function cannotStart(program: string, error: NodeJS.ErrnoException): ArtifactError {
  return new ArtifactError(`cannot run ${program}: ${error.message}`, {
    code: "git.failed",
    ...(error.code === "ENOENT" && { remedy: "the image of the executor has no git; use one that has" }),
    cause: error,
  });
}
