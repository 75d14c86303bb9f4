import { countByStatus, exitCodeOf, type Report } from "./report.ts";

/** One object, for programs. Fields are added to it, and not renamed. */
export function renderJson({ head, results }: Report): string {
  const checks = results.map(({ id, title, finding, durationMs }) => ({
    id,
    title,
    ...finding,
    seconds: Math.round(durationMs) / 1000,
  }));
  return `${JSON.stringify({ ...head, checks, totals: countByStatus(results), exitCode: exitCodeOf(results) }, null, 2)}\n`;
}
