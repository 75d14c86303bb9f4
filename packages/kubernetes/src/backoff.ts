export interface Backoff {
  firstDelayMs: number;
  factor: number;
  /** Up to this share of the delay is added at random. */
  jitter: number;
  capMs: number;
}

/** Contract §14.3. Upstream meant it to go on for ever; here it does, until the signal ends it (§22.6). */
export const INITIALISE_BACKOFF: Backoff = { firstDelayMs: 1000, factor: 2, jitter: 0.1, capMs: 30_000 };
export const REPORT_BACKOFF: Backoff = { ...INITIALISE_BACKOFF, jitter: 0.2 };

/** The wait before retry `attempt` (0 is the first retry), in milliseconds. */
export function backoffDelay(backoff: Backoff, attempt: number, random: () => number): number {
  const delay = Math.min(backoff.firstDelayMs * backoff.factor ** attempt, backoff.capMs);
  return delay * (1 + backoff.jitter * random());
}
