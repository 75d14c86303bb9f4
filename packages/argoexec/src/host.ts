import type { Environment, Paths } from "@skein/contract";

/** The process the program runs in; a test hands in another. */
export interface Host {
  /** Without the interpreter and the program. */
  argv: readonly string[];
  env: Environment;
  /** Sets a variable of the process itself, for libraries that read it there. */
  setEnv(name: string, value: string): void;
  paths: Paths;
  /** Each takes whole lines and has written them when it returns. */
  stdout(text: string): void;
  stderr(text: string): void;
  /** Calls the listener for every SIGTERM and SIGINT, which then do not end the process. */
  onTermination(listener: (signal: string) => void): void;
  /** Rejects with what nobody caught. */
  crashed: Promise<never>;
}
