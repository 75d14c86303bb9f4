/** What came of a number of tests. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: Skip[];
}

export interface Skip {
  name: string;
  reason: string;
}

export function addTotals(all: readonly Totals[]): Totals {
  return {
    passed: all.reduce((sum, { passed }) => sum + passed, 0),
    failed: all.reduce((sum, { failed }) => sum + failed, 0),
    skipped: all.flatMap(({ skipped }) => skipped),
  };
}

/** `tests: 12 passed, 0 failed, 1 skipped`: the last line of a run, which programs read. */
export function summaryLine({ passed, failed, skipped }: Totals): string {
  const tail = skipped.length === 0 ? "" : `, ${skipped.length} skipped`;
  return `tests: ${passed} passed, ${failed} failed${tail}`;
}
