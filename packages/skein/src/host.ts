import type { Environment } from "@skein/contract";

/** As much of a stream as the commands need; `process.stdout` is one. */
export interface TextSink {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

/** The world outside the commands. */
export interface Host {
  stdout: TextSink;
  stderr: TextSink;
  environment: Environment;
  /** Of this program. */
  version: string;
  /** A directory of the checkout this program belongs to. */
  directory: string;
  workingDirectory: string;
  /** All of standard input. */
  readStdin(): Promise<string>;
  /** Calls back for each signal that asks the program to end. */
  onSignal(listener: (signal: NodeJS.Signals) => void): void;
  /** Ends the process at once. */
  exit(code: number): never;
}

export interface TextOptions {
  columns: number;
  color: boolean;
}

/** Colours on a terminal only, and not where the user has said no: https://no-color.org */
export function textOptions(sink: TextSink, environment: Environment): TextOptions {
  return { columns: sink.columns ?? 100, color: sink.isTTY === true && !environment.NO_COLOR };
}
