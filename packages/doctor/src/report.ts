import type { Status } from "./check.ts";
import type { Result } from "./run-checks.ts";

/** Who was looked at, from where. */
export interface ReportHead {
  version: string;
  inPod: boolean;
  namespace: string;
  serviceAccount: string | undefined;
  apiServer: string | undefined;
}

export interface Report {
  head: ReportHead;
  results: readonly Result[];
  /** The exit code of a command that was told to stop; undefined for one that has looked at everything. */
  stopped: number | undefined;
}

export const EXIT_WELL = 0;
/** At least one check has failed. Warnings alone do not make it so. */
export const EXIT_FAILED = 1;
/** The command line was not understood; nothing was looked at. */
export const EXIT_MISUSE = 2;

export function countByStatus(results: readonly Result[]): Record<Status, number> {
  const counts: Record<Status, number> = { ok: 0, warn: 0, fail: 0, skip: 0 };
  for (const { finding } of results) counts[finding.status]++;
  return counts;
}

export function exitCodeOf({ results, stopped }: Report): number {
  if (stopped !== undefined) return stopped;
  return countByStatus(results).fail > 0 ? EXIT_FAILED : EXIT_WELL;
}
