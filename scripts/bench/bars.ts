import { megabytes, type Row, ratioOf, type Verdict, wallOf } from "./table.ts";

/** Where the bar is: the figures of the design, most of them from the original executor on the same kind of machine. */
export type Bar = (row: Row) => Verdict;

export function secondsAtMost(seconds: number): Bar {
  return (row) => ({ bar: `≤ ${seconds.toFixed(2)} s`, isMet: wallOf(row) <= seconds });
}

export function cpuAtMost(seconds: number): Bar {
  return ({ runs }) => {
    const sorted = runs.map(({ cpuSeconds }) => cpuSeconds).toSorted((a, b) => a - b);
    return {
      bar: `≤ ${seconds.toFixed(2)} s CPU`,
      isMet: (sorted[Math.floor(sorted.length / 2)] ?? Infinity) <= seconds,
    };
  };
}

/** So many times as fast as with one of everything. */
export function timesAsFast(factor: number): Bar {
  return (row) => ({ bar: `≥ ${factor} ×`, isMet: (ratioOf(row) ?? 0) >= factor });
}

const MEMORY_BYTES = 150e6;

/** Of the largest process, whatever it moves; pages of the Node.js program that it shares with others included. */
export const memoryBar: Bar = ({ runs }) => ({
  bar: `≤ ${megabytes(MEMORY_BYTES)} MB`,
  isMet: Math.max(...runs.map(({ maxRssBytes }) => maxRssBytes)) <= MEMORY_BYTES,
});
