// Times in nanoseconds since 1970 do not fit a number, and Math knows no bigint.

export interface TimeExtent {
  readonly startUnixNano: bigint;
  readonly endUnixNano: bigint;
}

export function compareUnixNano(a: bigint, b: bigint): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

export function laterOf(a: bigint, b: bigint): bigint {
  return compareUnixNano(a, b) > 0 ? a : b;
}

/** From the first start to the last end; both 0 when there is nothing. */
export function extentOf(spans: readonly TimeExtent[]): TimeExtent {
  let [startUnixNano, endUnixNano] = [spans[0]?.startUnixNano ?? 0n, 0n];
  for (const span of spans) {
    if (span.startUnixNano < startUnixNano) startUnixNano = span.startUnixNano;
    if (span.endUnixNano > endUnixNano) endUnixNano = span.endUnixNano;
  }
  return { startUnixNano, endUnixNano };
}

/** ISO 8601 in UTC, to the millisecond. A time no calendar has (a damaged trace) is the epoch. */
export function formatUnixNano(unixNano: bigint): string {
  const date = new Date(Number(unixNano / 1_000_000n));
  return (Number.isNaN(date.getTime()) ? new Date(0) : date).toISOString();
}
