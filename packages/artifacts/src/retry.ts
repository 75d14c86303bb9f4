import { ArtifactError, type ErrorCode, errorMessage } from "@skein/contract";

/** When to try again, and for how long. */
export interface RetryPolicy {
  /** The first delay is drawn from 0 to this, in milliseconds. Default 1000 (`EXECUTOR_RETRY_BACKOFF_DURATION`). */
  baseDelayMs: number;
  /** How the upper end of the draw grows. Default 1.6 (`EXECUTOR_RETRY_BACKOFF_FACTOR`). */
  factor: number;
  /** The upper end never exceeds this. Default 20 s. */
  maxDelayMs: number;
  /** No retry starts later than this after the first failure without progress. Default 2 minutes (`SKEIN_RETRY_BUDGET_SECONDS`); 0 never retries. */
  budgetMs: number;
  /** Errors whose text matches are worth a retry too (`TRANSIENT_ERROR_PATTERN`, contract §21.1). */
  alsoTransient?: RegExp;
}

export interface RetryNote {
  code: ErrorCode;
  /** Milliseconds that will be waited. */
  delayMs: number;
  /** The number of the attempt that failed; 1 is the first. */
  attempt: number;
  error: unknown;
}

export interface RetryHooks {
  signal: AbortSignal;
  /** Runs around the wait, so that its time can be counted. Must resolve when `wait` has. */
  waiting?: (wait: () => Promise<void>) => Promise<void>;
  onRetry?: (note: RetryNote) => void;
  now?: () => number;
  /** From 0 up to 1. */
  random?: () => number;
}

/** A store that asks for less is given at least this long: an immediate retry is what it complained about. */
const MIN_THROTTLE_DELAY_MS = 500;
const THROTTLED: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["s3.slow_down"]);
/** A name that does not resolve is mostly a wrong one: nobody wants to wait long for that message. */
const DNS_BUDGET_MS = 15_000;

/** Follows one operation through its failures. */
export interface Retrier {
  /** Waits as long as the policy says, or throws when there is no use or no time left. */
  failed(error: unknown): Promise<void>;
  /** Says that the operation got further since the last failure: count and budget start anew. */
  progressed(): void;
}

export function createRetrier(policy: RetryPolicy, hooks: RetryHooks): Retrier {
  const { signal, onRetry, waiting = (wait) => wait(), now = () => performance.now() } = hooks;
  const random = hooks.random ?? Math.random;
  let attempt = 0;
  let firstFailureMs: number | undefined;
  return {
    progressed() {
      attempt = 0;
      firstFailureMs = undefined;
    },
    async failed(error) {
      signal.throwIfAborted();
      if (!isTransient(error, policy)) throw error;
      attempt++;
      firstFailureMs ??= now();
      const spentMs = now() - firstFailureMs;
      const delayMs = drawDelay(policy, error, attempt, random());
      const budgetMs =
        codeOf(error) === "network.dns" ? Math.min(DNS_BUDGET_MS, policy.budgetMs) : policy.budgetMs;
      if (spentMs + delayMs > budgetMs) throw exhausted(error, attempt, spentMs);
      onRetry?.({ code: codeOf(error), delayMs, attempt, error });
      await waiting(() => sleep(delayMs, signal));
    },
  };
}

/** Runs `work` until it succeeds, fails for good, or the retrier's time is up. */
export async function retry<T>(retrier: Retrier, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      await retrier.failed(error);
    }
  }
}

export function isThrottled(code: ErrorCode): boolean {
  return THROTTLED.has(code);
}

/** Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/ */
function drawDelay(policy: RetryPolicy, error: unknown, attempt: number, drawn: number): number {
  const { baseDelayMs, factor, maxDelayMs } = policy;
  const upToMs = Math.min(maxDelayMs, baseDelayMs * factor ** (attempt - 1));
  const atLeastMs = isThrottled(codeOf(error)) ? Math.min(MIN_THROTTLE_DELAY_MS, baseDelayMs) : 0;
  return Math.max(atLeastMs, drawn * upToMs);
}

function isTransient(error: unknown, policy: RetryPolicy): boolean {
  if (error instanceof ArtifactError && error.transient) return true;
  return policy.alsoTransient?.test(errorMessage(error)) ?? false;
}

function codeOf(error: unknown): ErrorCode {
  return error instanceof ArtifactError ? error.code : "internal";
}

/** No longer transient: whoever retries around us must not begin all over. */
function exhausted(error: unknown, attempts: number, spentMs: number): ArtifactError {
  const tried =
    attempts === 1 ? "not retried" : `gave up after ${attempts} attempts in ${(spentMs / 1000).toFixed(1)} s`;
  return new ArtifactError(`${errorMessage(error)} (${tried})`, {
    code: codeOf(error),
    ...(error instanceof ArtifactError && error.remedy !== undefined && { remedy: error.remedy }),
    cause: error,
  });
}

/** Resolves after `ms`, or rejects with the signal's reason. */
function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
