import { parseGoDuration } from "@skein/contract";
import type { RetryPolicy, RetryStrategy } from "./types.ts";

export const RETRY_POLICIES: readonly RetryPolicy[] = ["Always", "OnFailure", "OnError", "OnTransientError"];

/** A `retryStrategy` with its numbers read; times in milliseconds. */
export interface RetryRules {
  policy: RetryPolicy;
  /** Attempts after the first one. */
  limit: number;
  backoff: { durationMs: number; factor: number; capMs: number; maxDurationMs: number } | undefined;
}

/** @returns complaints, each with the field it is about, when there are any */
export function parseRetryStrategy(
  strategy: RetryStrategy,
): RetryRules | { field: string[]; message: string }[] {
  const problems: { field: string[]; message: string }[] = [];
  const number = (field: string[], text: string | undefined, otherwise: number): number => {
    if (text === undefined) return otherwise;
    if (/^\d{1,9}$/.test(text)) return Number(text);
    problems.push({ field, message: `must be a whole number, not "${text}"` });
    return otherwise;
  };
  const duration = (field: string[], text: string | undefined, otherwise: number): number => {
    const ms = text === undefined ? otherwise : parseDuration(text);
    if (ms !== undefined) return ms;
    problems.push({ field, message: `must be a duration such as "10s" or "1m", not "${text}"` });
    return otherwise;
  };
  const { limit, retryPolicy = "OnFailure", backoff } = strategy;
  if (!RETRY_POLICIES.includes(retryPolicy)) {
    const message = `must be one of ${RETRY_POLICIES.join(", ")}, not "${retryPolicy}"`;
    problems.push({ field: ["retryPolicy"], message });
  }
  if (backoff && backoff.duration === undefined) {
    problems.push({ field: ["backoff"], message: 'backoff needs "duration"' });
  }
  const rules: RetryRules = {
    policy: retryPolicy,
    limit: number(["limit"], limit, Number.POSITIVE_INFINITY),
    backoff: backoff && {
      durationMs: duration(["backoff", "duration"], backoff.duration, 0),
      factor: number(["backoff", "factor"], backoff.factor, 1) || 1,
      capMs: duration(["backoff", "cap"], backoff.cap, Number.POSITIVE_INFINITY),
      maxDurationMs: duration(["backoff", "maxDuration"], backoff.maxDuration, Number.POSITIVE_INFINITY),
    },
  };
  return problems.length > 0 ? problems : rules;
}

/** Argo's own reading: a number alone is of seconds. */
function parseDuration(text: string): number | undefined {
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseGoDuration(text);
  return ms !== undefined && ms >= 0 ? ms : undefined;
}
