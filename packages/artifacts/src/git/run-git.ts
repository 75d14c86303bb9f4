import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError } from "@skein/contract";
import type { BusyStage, StageMeter } from "../stage-clock.ts";
import { translateGitFailure } from "./git-errors.ts";
import { GitProgress } from "./git-progress.ts";
import { splitLines, Tail } from "./output.ts";
import { type ProcessEnd, ProcessGroup } from "./process-group.ts";
import { readTrace2, type Trace2 } from "./trace2.ts";

export interface GitRun {
  /** Begins the message of a failure. */
  doing: string;
  cwd: string;
  /** Given to its standard input. */
  input?: string;
  /** Takes standard output as it comes; without it, it is collected and returned. */
  onStdout?: (chunk: Buffer) => void;
  /**
   * `server`: it talks to one, whose silence ends it. `files`: it writes the files of a commit. Both are counted among
   * the stages and told in phases. Without it, it is over in no time.
   */
  work?: "server" | "files";
  /** Takes what the command has to tell when it has ended, however it ended. */
  onTrace?: (trace: Trace2) => void;
  /** Wins over the environment of all runs. */
  env?: Readonly<Record<string, string>>;
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
  /** Private; for what git and ssh have to tell besides their output. */
  directory: string;
  /** Kills git with the helpers, ssh and index-pack it has started. */
  signal: AbortSignal;
  meter: StageMeter;
  /** A server that says nothing for this long is left. */
  stallTimeoutMs: number;
  onStall?: (ms: number) => void;
}

const MAX_STDERR_BYTES = 32 * 1024;
const MAX_STDOUT_BYTES = 16 * 1024 * 1024;

const FIRST_STAGE: Readonly<Record<NonNullable<GitRun["work"]>, BusyStage>> = {
  server: "first_byte",
  files: "disk",
};

export function createGit(options: GitOptions): Git {
  let runs = 0;
  return {
    run(args, run) {
      runs++;
      return new Run(options, run, join(options.directory, `run-${runs}`)).result(args);
    },
  };
}

/** One git command. */
class Run {
  readonly #options: GitOptions;
  readonly #run: GitRun;
  readonly #tracePath: string;
  readonly #sshLogPath: string;
  readonly #stdout = new Tail(MAX_STDOUT_BYTES);
  readonly #stderr = new Tail(MAX_STDERR_BYTES);
  readonly #progress: GitProgress;
  /** When the command last said something. */
  #heardMs = performance.now();
  #stalled: ArtifactError | undefined;

  constructor(options: GitOptions, run: GitRun, path: string) {
    this.#options = options;
    this.#run = run;
    this.#tracePath = `${path}.trace2`;
    this.#sshLogPath = `${path}.ssh`;
    this.#progress = new GitProgress(options.meter);
  }

  async result(args: readonly string[]): Promise<string> {
    const { signal } = this.#options;
    const { work, doing } = this.#run;
    signal.throwIfAborted();
    const { exitCode, signal: killedBy } = work
      ? await this.#progress.during(FIRST_STAGE[work], () => this.#end(args))
      : await this.#end(args);
    await this.#tellTrace();
    signal.throwIfAborted();
    if (this.#stalled) throw this.#stalled;
    if (exitCode === 0) return this.#stdout.text();
    throw await translateGitFailure(doing, {
      exitCode,
      signal: killedBy,
      stderr: this.#stderr.text(),
      sshLog: await readFile(this.#sshLogPath, "utf8").catch(() => ""),
    });
  }

  async #end(args: readonly string[]): Promise<ProcessEnd> {
    const { program, signal } = this.#options;
    const { cwd, input, onStdout = (chunk: Buffer) => this.#stdout.push(chunk) } = this.#run;
    const group = ProcessGroup.start([program, ...args], { cwd, env: this.#env(), input });
    const onLine = splitLines((line) => this.#progress.line(line));
    group.onStdout((chunk) => {
      this.#heardMs = performance.now();
      onStdout(chunk);
    });
    group.onStderr((chunk) => {
      this.#heardMs = performance.now();
      this.#stderr.push(chunk);
      onLine(chunk.toString());
    });
    const watch = this.#run.work === "server" ? this.#watchSilence(group) : undefined;
    try {
      return await group.end(signal);
    } finally {
      clearInterval(watch);
    }
  }

  #env(): Readonly<Record<string, string>> {
    const { env } = this.#options;
    return {
      ...env,
      ...(this.#run.onTrace && {
        GIT_TRACE2_EVENT: this.#tracePath,
        // A progress within a region, and its numbers within that.
        GIT_TRACE2_EVENT_NESTING: "4",
      }),
      ...(env.GIT_SSH_COMMAND && { GIT_SSH_COMMAND: `${env.GIT_SSH_COMMAND} -E '${this.#sshLogPath}'` }),
      ...this.#run.env,
    };
  }

  /** A server that is alive says so: git asks for its progress, and it sends something every few seconds. */
  #watchSilence(group: ProcessGroup): NodeJS.Timeout {
    const { stallTimeoutMs, onStall } = this.#options;
    return setInterval(() => {
      const silentMs = performance.now() - this.#heardMs;
      if (!this.#progress.isWaitingForServer) this.#heardMs = performance.now();
      else if (silentMs > stallTimeoutMs && this.#stalled === undefined) {
        this.#stalled = new ArtifactError(
          `${this.#run.doing}: the server has said nothing for ${Math.round(silentMs / 1000)} s`,
          { code: "transfer.stalled", transient: true },
        );
        onStall?.(silentMs);
        group.terminate();
      }
    }, stallTimeoutMs / 20);
  }

  async #tellTrace(): Promise<void> {
    const { onTrace } = this.#run;
    if (!onTrace) return;
    onTrace(await readTrace2(this.#tracePath));
    await rm(this.#tracePath, { force: true });
  }
}
