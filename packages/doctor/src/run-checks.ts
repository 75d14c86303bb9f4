import { type Check, type Finding, type Findings, STOPPED } from "./check.ts";
import type { Examination } from "./examination.ts";
import { explainError, stuckFix } from "./explain-error.ts";

/** A check with what it has found. */
export interface Result {
  id: string;
  title: string;
  finding: Finding;
  /** Milliseconds; 0 for one that was not begun. */
  durationMs: number;
}

export interface RunOptions {
  /** For each check. */
  timeLimitMs: number;
  /** Asks to stop: what has not ended is skipped, and only what tidies up still runs. */
  signal: AbortSignal;
}

/** Whoever has asked to stop waits no longer than this for what tidies up. */
const TIDYING_MS = 5_000;

/**
 * Runs checks side by side, each as soon as those it needs are over. Ends in time whatever they do: a check whose time is
 * up is not waited for, and what it would still say is not heard.
 *
 * @returns one result for each, in the order given
 */
export async function runChecks(
  checks: readonly Check[],
  examination: Examination,
  options: RunOptions,
): Promise<Result[]> {
  const found = new Map<string, Finding>();
  const begun = new Map<string, Promise<Result>>();
  const begin = (check: Check): Promise<Result> => {
    const known = begun.get(check.id);
    if (known) return known;
    const earlier = [...(check.needs ?? []), ...(check.after ?? [])];
    // Checks that are not part of this run count as well.
    const others = checks.filter(({ id }) => earlier.includes(id));
    const result = Promise.all(others.map(begin)).then(async () => {
      const startedAt = performance.now();
      const why = whyNot(check, found);
      const finding: Finding =
        why === undefined
          ? await runOne(check, examination, found, options)
          : { status: "skip", reason: why };
      found.set(check.id, finding);
      const durationMs = why === undefined ? performance.now() - startedAt : 0;
      return { id: check.id, title: check.title, finding, durationMs };
    });
    begun.set(check.id, result);
    return result;
  };
  return await Promise.all(checks.map(begin));
}

/** The first check in the way, or, where that was itself skipped, what was in its way. */
function whyNot({ needs = [] }: Check, found: Findings): string | undefined {
  for (const id of needs) {
    const finding = found.get(id);
    if (finding?.status === "skip") return finding.reason;
    if (finding?.status === "fail") return `${id} comes first`;
  }
  return undefined;
}

async function runOne(
  check: Check,
  examination: Examination,
  found: Findings,
  { timeLimitMs, signal }: RunOptions,
): Promise<Finding> {
  if (signal.aborted && !check.tidies) return { status: "skip", reason: STOPPED };
  const limit = new AbortController();
  const limitMs = signal.aborted ? Math.min(timeLimitMs, TIDYING_MS) : timeLimitMs;
  const timer = setTimeout(() => limit.abort(), limitMs);
  const own = check.tidies ? limit.signal : AbortSignal.any([limit.signal, signal]);
  const ended = new Promise<Finding>((resolve) => {
    own.addEventListener("abort", () => {
      const seconds = limitMs / 1000;
      resolve(
        limit.signal.aborted
          ? { status: "fail", evidence: `no answer within ${seconds} s`, fix: stuckFix(check, examination) }
          : { status: "skip", reason: STOPPED },
      );
    });
  });
  const work = Promise.resolve()
    .then(() => check.run(examination, { signal: own, found }))
    .catch((error: unknown) => (own.aborted ? ended : explainError(error, check, examination)));
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
  }
}
