import { type ErrorLine, errorCode, errorMessage, type Logger } from "@skein/contract";

/**
 * The errors of a run in the order in which they were recorded. The first is what the user is told; none of them
 * stops what comes after (contract §8.5).
 */
export class RecordedErrors {
  readonly #errors: Error[] = [];
  readonly #log: Logger;

  constructor(log: Logger) {
    this.#log = log;
  }

  get first(): Error | undefined {
    return this.#errors[0];
  }

  record(error: unknown): void {
    const recorded = error instanceof Error ? error : new Error(String(error));
    this.#errors.push(recorded);
    const { remedy } = recorded as { remedy?: string };
    this.#log.error("executor error", {
      error: recorded,
      code: errorCode(recorded),
      ...(remedy === undefined ? {} : { remedy }),
    });
  }

  /** What an earlier act recorded and logged itself. */
  recall({ message, code }: Pick<ErrorLine, "message" | "code">): void {
    this.#errors.push(Object.assign(new Error(message), { code }));
  }

  /** Runs one step; its failure is recorded and gives `otherwise`. */
  async attempt<T>(work: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.record(error);
      return otherwise;
    }
  }
}

/** The one error that stands for several, in upstream's form: `<e1>; <e2>; ` (contract §8.2 step 8). */
export function joinErrors(errors: readonly unknown[]): Error | undefined {
  if (errors.length === 0) return undefined;
  const text = errors.map((error) => `${errorMessage(error)}; `).join("");
  // The cause lets `error.type` be the first one's.
  return Object.assign(new Error(text, { cause: errors[0] }), { code: errorCode(errors[0]) });
}
