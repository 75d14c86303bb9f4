/** As `skein report --json` prints it. */
export interface PrintedReport {
  traces: { traceId: string; workflow: string; startedAt: string; spans: number }[];
  [part: string]: unknown;
}

/** Jaeger cuts a start and a duration to whole microseconds each, so an end may be two too early. */
const MICROSECONDS_OFF = 2;
/** What one time divided by another may be off: of a transfer that took a millisecond, four microseconds and more. */
const FACTOR_OFF = 0.01;
/** A time, a rate or a factor within a sentence, such as a verdict. */
const MEASURED = /(?<![\w.])\d+(?:\.(\d+))?(?=×| (?:ms|s|[kMG]?B\/s|a second)\b)/g;

/**
 * Where the report of a trace that Jaeger kept is another one than that of the trace itself: all of it has to be the same,
 * but for microseconds in times, in what adds them up, and in what divides them.
 */
export function differences(trace: PrintedReport, jaeger: PrintedReport): string[] {
  const spans = trace.traces.reduce((sum, each) => sum + each.spans, 0);
  return compare("report", trace, jaeger, (MICROSECONDS_OFF * spans) / 1e6);
}

function compare(place: string, expected: unknown, actual: unknown, tolerance: number): string[] {
  if (isObject(expected) && isObject(actual)) {
    const keys = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...keys].flatMap((key) => compare(`${place}.${key}`, expected[key], actual[key], tolerance));
  }
  const allowed = place.endsWith(".loadPerSave") ? FACTOR_OFF * Number(expected) : tolerance;
  if (isClose(expected, actual, allowed) || isSameText(expected, actual)) return [];
  return [`${place}: ${JSON.stringify(expected)} in the file, ${JSON.stringify(actual)} in Jaeger`];
}

/** Lists, too. */
function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** Counts and sizes are whole numbers, and further apart than that when they differ. */
function isClose(expected: unknown, actual: unknown, tolerance: number): boolean {
  if (typeof expected !== "number" || typeof actual !== "number") return expected === actual;
  return Math.abs(expected - actual) <= tolerance;
}

/** A microsecond may change the last digit of what is rounded. */
function isSameText(expected: unknown, actual: unknown): boolean {
  if (typeof expected !== "string" || typeof actual !== "string") return false;
  if (expected.replaceAll(MEASURED, "N") !== actual.replaceAll(MEASURED, "N")) return false;
  const [theirs, ours] = [[...expected.matchAll(MEASURED)], [...actual.matchAll(MEASURED)]];
  return theirs.every(([number, decimals = ""], index) => {
    const apart = Math.abs(Number(number) - Number(ours[index]?.[0]));
    return apart < 1.5 * 10 ** -decimals.length;
  });
}
