import type { SandboxProcess } from "../sandbox/sandbox-process.ts";

/** Ends one container from outside. */
export interface Terminator {
  /** SIGTERM, as soon as somebody is there to hear it. */
  terminate(): void;
  /** SIGTERM, and SIGKILL after the grace period. */
  stop(): void;
  kill(): void;
  /** The container has ended; nothing more is sent. */
  forget(): void;
}

export interface TerminatorOptions {
  gracePeriodMs: number;
  /** Aborted to stop the container. */
  signal: AbortSignal;
  /** Aborted to kill it. */
  killSignal?: AbortSignal | undefined;
}

/** Between two looks at whether a program has its signal handler; it takes some milliseconds to get there. */
const HANDLER_POLL_MS = 20;

export function createTerminator(process: SandboxProcess, options: TerminatorOptions): Terminator {
  const { gracePeriodMs, signal, killSignal } = options;
  const timers = new Set<NodeJS.Timeout>();
  let asked = false;
  let over = false;
  const kill = (): void => process.kill("SIGKILL");
  const whenHeard = (): void => {
    // A program that has just been started has no handler yet, and would never hear of the signal.
    if (process.catches("SIGTERM")) process.kill("SIGTERM");
    else timers.add(setTimeout(whenHeard, HANDLER_POLL_MS));
  };
  const terminate = (): void => {
    if (asked || over) return;
    asked = true;
    whenHeard();
  };
  const stop = (): void => {
    if (over) return;
    terminate();
    timers.add(setTimeout(kill, gracePeriodMs));
  };
  if (killSignal?.aborted) kill();
  else if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  killSignal?.addEventListener("abort", kill, { once: true });
  return {
    terminate,
    stop,
    kill,
    forget: () => {
      over = true;
      for (const timer of timers) clearTimeout(timer);
      signal.removeEventListener("abort", stop);
      killSignal?.removeEventListener("abort", kill);
    },
  };
}
