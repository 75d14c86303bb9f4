import type { Environment, Paths } from "@skein/contract";

/** The process the program runs in; a test hands in another. */
export interface Host {
  /** Without the interpreter and the program. */
  argv: readonly string[];
  env: Environment;
  /** Sets a variable of the process itself, for libraries that read it there. */
  setEnv(name: string, value: string): void;
  paths: Paths;
  /** Of the process as it was started; ours is 0 (contract §6 step 4). */
  umask: number;
  /** What stdout is shown on, for commands that people run. */
  terminal: { columns: number; color: boolean };
  /** Each takes whole lines and has written them when it returns. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Calls the listener for every SIGTERM and SIGINT, which then do not end the process. */
  onTermination(listener: (signal: string) => void): void;
  /** Rejects with what nobody caught. */
  crashed: Promise<never>;
}
