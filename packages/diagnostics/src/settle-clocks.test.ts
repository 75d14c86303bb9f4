import { describe, expect, it } from "vitest";
import { buildReport } from "./report.ts";
import { renderReportTerminal } from "./run-report.ts";
import { settleClocks } from "./settle-clocks.ts";
import { spanSeconds, type TraceSpan } from "./span.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { assembleTraces } from "./trace.ts";

const NANOS = 1_000_000_000n;
const YEAR_2200 = BigInt(Date.UTC(2200, 0, 1)) * 1_000_000n;
const SPANS = spansOf(ciCheckoutTrace());
const [WHOLE] = assembleTraces(SPANS);
const LOAD = SPANS.findIndex(({ name }) => name === "loadArtifact");

/** The trace of a run with other times on one of its spans. */
function withTimes(index: number, change: (span: TraceSpan) => Partial<TraceSpan>): TraceSpan[] {
  return SPANS.map((span, at) => (at === index ? { ...span, ...change(span) } : span));
}

function settledAt(spans: readonly TraceSpan[], index: number): TraceSpan {
  const span = settleClocks(spans)[index];
  if (!span) throw new Error("no such span");
  return span;
}

function parentOf({ parentSpanId }: TraceSpan): TraceSpan | undefined {
  return SPANS.find(({ spanId }) => spanId === parentSpanId);
}

describe("settleClocks", () => {
  it("leaves a trace alone whose times can be", () => {
    expect(settleClocks(SPANS)).toEqual(SPANS);
    expect(settleClocks(SPANS).every((span, index) => span === SPANS[index])).toBe(true);
    expect(settleClocks([])).toEqual([]);
  });

  it.each([
    ["at 0", () => ({ startUnixNano: 0n, endUnixNano: 3n * NANOS })],
    ["in 2200", () => ({ startUnixNano: YEAR_2200, endUnixNano: YEAR_2200 + 3n * NANOS })],
  ])("shows a span %s where its parent is, with its own length", (_, change) => {
    const span = settledAt(withTimes(LOAD, change), LOAD);
    expect(span.startUnixNano).toBe(parentOf(span)?.startUnixNano);
    expect(spanSeconds(span)).toBe(3);
    expect(span.clock).toMatch(/^its clock says (1970|2200)-01-01T.*: shown where its parent is$/);
  });

  it("shows a span that begins at 0 and ends in time at its end, and claims no length", () => {
    const span = settledAt(
      withTimes(LOAD, () => ({ startUnixNano: 0n })),
      LOAD,
    );
    expect(span.startUnixNano).toBe(SPANS[LOAD]?.endUnixNano);
    expect(span).toMatchObject({ unfinished: true, clock: expect.stringContaining("shown at its end") });
    expect(spanSeconds(span)).toBe(0);
  });

  it("shows a span that begins in time and ends in 2200 at its start, and claims no length", () => {
    const span = settledAt(
      withTimes(LOAD, () => ({ endUnixNano: YEAR_2200 })),
      LOAD,
    );
    expect(span).toMatchObject({ startUnixNano: SPANS[LOAD]?.startUnixNano, unfinished: true });
    expect(spanSeconds(span)).toBe(0);
  });

  it("keeps the shape of what one process with such a clock has made", () => {
    const top = SPANS.findIndex(({ name }) => name === "runInitContainer");
    const root = SPANS[top] as TraceSpan;
    const isBelow = (span: TraceSpan | undefined): boolean =>
      span !== undefined && (span === root || isBelow(parentOf(span)));
    const offset = root.startUnixNano;
    const spans = SPANS.map((span) =>
      isBelow(span)
        ? { ...span, startUnixNano: span.startUnixNano - offset, endUnixNano: span.endUnixNano - offset }
        : span,
    );
    const settled = settleClocks(spans);
    const home = parentOf(root)?.startUnixNano ?? WHOLE?.startUnixNano ?? 0n;
    for (const [index, span] of SPANS.entries()) {
      if (!isBelow(span)) continue;
      expect((settled[index]?.startUnixNano ?? 0n) - home).toBe(span.startUnixNano - offset);
      expect(settled[index]?.clock).toBeDefined();
    }
  });

  it("moves an event that has no time to its span's start", () => {
    const events = [{ name: "e", timeUnixNano: 0n, attributes: new Map() }];
    const span = settledAt(
      withTimes(LOAD, () => ({ events })),
      LOAD,
    );
    expect(span.events[0]?.timeUnixNano).toBe(span.startUnixNano);
    expect(span.clock).toContain("an event's time");
  });

  it("bears two spans that are each other's parent, and times that no calendar has", () => {
    const [a, b] = ["a".repeat(16), "b".repeat(16)];
    const far = 10n ** 30n;
    const base = SPANS[LOAD] as TraceSpan;
    const circle = [
      { ...base, spanId: a, parentSpanId: b, startUnixNano: far, endUnixNano: far },
      { ...base, spanId: b, parentSpanId: a, startUnixNano: far, endUnixNano: far },
    ];
    const [first, second] = settleClocks([...SPANS, ...circle]).slice(-2);
    expect(first?.startUnixNano).toBe(WHOLE?.startUnixNano);
    expect(second?.clock).toContain(`${far} ns`);
  });
});

describe("a report of a trace with an absurd time", () => {
  it("is as long as the run, and names the span with what its clock says", () => {
    const spans = settleClocks(withTimes(LOAD, () => ({ startUnixNano: 0n, endUnixNano: YEAR_2200 })));
    const report = buildReport(spans);
    expect(report.traces[0]?.seconds).toBeCloseTo(WHOLE ? spanSeconds(WHOLE) : 0, 6);
    expect(report.clocks).toEqual([
      {
        traceId: spans[LOAD]?.traceId,
        spanId: spans[LOAD]?.spanId,
        name: "loadArtifact",
        detail: expect.stringMatching(/./),
        problem: expect.stringContaining("1970-01-01T00:00:00Z to 2200-01-01T00:00:00Z"),
      },
    ]);
    for (const columns of [80, 200]) {
      const text = renderReportTerminal(report, { columns, traces: assembleTraces(spans) });
      expect(text).toMatch(/\n! loadArtifact .*: its clock says/);
      expect(text).not.toMatch(/\d{4,} ?h|[a-z]\d+y/);
      for (const line of text.split("\n")) expect(line.length).toBeLessThanOrEqual(columns);
    }
  });
});
