import { constants } from "node:os";

/** Why the command's signal was aborted: somebody has sent the process a signal. */
export class Stopped extends Error {
  override readonly name = "Stopped";
  readonly signal: string;

  constructor(signal: string) {
    super(`stopped by ${signal}`);
    this.signal = signal;
  }
}

/** As a shell has it: 130 after Ctrl-C. */
export function stoppedExitCode({ reason }: AbortSignal): number {
  const name = reason instanceof Stopped ? reason.signal : "SIGINT";
  return 128 + (constants.signals[name as NodeJS.Signals] ?? constants.signals.SIGINT);
}
