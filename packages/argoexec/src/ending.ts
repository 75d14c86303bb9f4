import {
  ConfigError,
  ContractError,
  EXIT_ERROR,
  EXIT_FATAL,
  EXIT_OK,
  EXIT_PANIC,
  errorMessage,
} from "@skein/contract";

/** How a run ends. */
export interface Ending {
  exitCode: number;
  /** What the termination log is to say; nothing leaves it as it is. */
  message?: string;
}

export const SUCCESS: Ending = { exitCode: EXIT_OK };

/** What nobody caught: a mistake of ours, not of the user's. The original is the cause. */
export class CrashError extends Error {
  override readonly name = "CrashError";
}

/**
 * The only place where an error becomes an exit code (contract §2.3).
 *
 * @param words the sub-command: the front takes codes 1 and 2 of an early act for a misconfiguration and ends there,
 *   and a mistake of ours must not cost the user his outputs
 */
export function endingOf(error: unknown, words: readonly string[]): Ending {
  const message = errorMessage(error);
  if (error instanceof ConfigError) return { exitCode: error.exitCode, message };
  // Upstream panics when it cannot read its template.
  if (error instanceof ContractError) return { exitCode: EXIT_PANIC, message };
  const isEarlyAct = ["wait", "supervisor"].includes(words[0] ?? "") && words[1] !== "finish";
  if (error instanceof CrashError && !isEarlyAct) return { exitCode: EXIT_FATAL, message };
  return { exitCode: EXIT_ERROR, message };
}
