import type { CollectedSpan } from "../e2e/cluster/collector.ts";
import { EXPECTED } from "./expected.ts";
import type { Prometheus, Sample } from "./prometheus.ts";
import { fillIn, type Query } from "./queries.ts";

/** Sums of durations are added up in another order there. */
const TOLERANCE = 1e-6;

export interface Checked {
  query: string;
  /** How many series the answer has. */
  series: number;
  /** What is wrong with it; empty when it says what the spans say. */
  problems: string[];
}

/** Executes queries as Grafana or Prometheus would, and compares the answers with what the spans say. */
export async function checkQueries(
  queries: readonly Query[],
  options: { prometheus: Prometheus; time: number; range: string; spans: readonly CollectedSpan[] },
): Promise<Checked[]> {
  const { prometheus, time, range, spans } = options;
  return await Promise.all(
    queries.map(async ({ name, expr, isInstant }) => {
      const expected = EXPECTED[name];
      if (!expected)
        return { query: name, series: 0, problems: ["expected.ts does not say what it is to return"] };
      const filled = fillIn(expr, range);
      const answer = await (isInstant ? prometheus.query(filled, time) : prometheus.queryRange(filled, time));
      const actual = answer.filter(isSomething);
      return {
        query: name,
        series: actual.length,
        problems: compare(expected(spans).filter(isSomething), actual),
      };
    }),
  );
}

/** Of series without anything in the range a quantile is no number, and lines are at 0. */
function isSomething({ value }: Sample): boolean {
  return !Number.isNaN(value) && value !== 0;
}

function compare(expected: readonly Sample[], actual: readonly Sample[]): string[] {
  const wanted = new Map(expected.map(({ labels, value }) => [keyOf(labels), value]));
  const found = new Map(actual.map(({ labels, value }) => [keyOf(labels), value]));
  return [...new Set([...wanted.keys(), ...found.keys()])].flatMap((key) => {
    const [want, have] = [wanted.get(key), found.get(key)];
    if (want === undefined) return [`${key}: ${have}, of which the spans know nothing`];
    if (have === undefined) return [`${key}: nothing instead of ${want}`];
    return Math.abs(have - want) <= TOLERANCE * Math.abs(want) ? [] : [`${key}: ${have} instead of ${want}`];
  });
}

function keyOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${pairs.map(([name, value]) => `${name}="${value}"`).join(", ")}}`;
}
