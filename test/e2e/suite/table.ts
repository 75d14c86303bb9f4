import type { Outcome, Planned } from "./run-cases.ts";

/** Lines of the table that the suite prints, one case at a time as they end. */
export interface Table {
  head(): string;
  row(outcome: Outcome): string;
}

export function createTable(plan: readonly Planned[]): Table {
  const width = Math.max("case".length, ...plan.map(({ test }) => test.name.length));
  const line = (name: string, version: string, layout: string, result: string, seconds: string): string =>
    `${name.padEnd(width)}  ${version.padEnd(7)}  ${layout.padEnd(8)}  ${result.padEnd(6)}  ${seconds.padStart(7)}`;
  return {
    head: () => line("case", "version", "layout", "result", "seconds"),
    row: ({ test, version, error, seconds }) =>
      line(
        test.name,
        version.name,
        version.layout,
        error === undefined ? "passed" : "FAILED",
        seconds.toFixed(1),
      ),
  };
}
