import { countByStatus, exitCodeOf, type Report } from "./report.ts";

/** One object, for programs. Fields are added to it, and not renamed. */
export function renderJson(report: Report): string {
  const { head, results, stopped } = report;
  const checks = results.map(({ id, title, finding, durationMs }) => ({
    id,
    title,
    ...finding,
    seconds: Math.round(durationMs) / 1000,
  }));
  const whole = {
    ...head,
    ...(stopped !== undefined && { stopped: true }),
    checks,
    totals: countByStatus(results),
    exitCode: exitCodeOf(report),
  };
  return `${JSON.stringify(whole, null, 2)}\n`;
}
