import { describe, expect, it } from "vitest";
import { groupByNode } from "../node-groups.ts";
import { ciCheckoutTrace } from "../testing/ci-checkout-trace.ts";
import { manySpansTrace } from "../testing/many-spans-trace.ts";
import { traceOf } from "../testing/parse-documents.ts";
import { foldWaterfall } from "./fold.ts";

function fold(builder: Parameters<typeof traceOf>[0], maxRows: number) {
  const trace = traceOf(builder);
  return { trace, folded: foldWaterfall(trace, groupByNode(trace), maxRows) };
}

describe("foldWaterfall", () => {
  it("hides nothing of a small trace", () => {
    const { folded } = fold(ciCheckoutTrace(), 200);
    expect(folded.hiddenSpans).toBe(0);
    expect(folded.hiddenGroups).toEqual([]);
  });

  it("keeps the failure and everything above it when there is room for hardly anything", () => {
    const { folded } = fold(ciCheckoutTrace(), 10);
    const publish = folded.groups.find(({ group }) => group.label === "publish");
    expect(publish?.rows.map((row) => row.span.name)).toEqual([
      "runInitContainer",
      "loadArtifacts",
      "loadArtifact",
    ]);
  });

  it("hides only what is shorter than all that it shows and did not fail", () => {
    const { trace, folded } = fold(ciCheckoutTrace(), 30);
    const shown = folded.groups.flatMap(({ rows }) => rows.map((row) => row.span));
    const shortest = Math.min(...shown.map((span) => Number(span.endUnixNano - span.startUnixNano)));
    const hidden = groupByNode(trace)
      .flatMap((group) => group.rows.map((row) => row.span))
      .filter((span) => !shown.includes(span) && !/^(workflow|node)/.test(span.name));
    expect(hidden.length).toBe(folded.hiddenSpans);
    for (const span of hidden) {
      expect(span.status).not.toBe("error");
      expect(Number(span.endUnixNano - span.startUnixNano)).toBeLessThanOrEqual(shortest);
    }
  });

  it("never shows a span without the ones above it, and counts what it hides below each", () => {
    const { trace, folded } = fold(ciCheckoutTrace(), 30);
    for (const { rows, hidden, hiddenAtTop } of folded.groups) {
      const names = new Set(rows.map((row) => row.span));
      for (const { span, depth } of rows) {
        const parent = trace.parentOf(span);
        if (depth > 0 && parent) expect(names.has(parent)).toBe(true);
      }
      const counted = rows.reduce((sum, row) => sum + row.hidden + (row.fold?.count ?? 0), hiddenAtTop);
      expect(counted).toBe(hidden);
    }
  });

  it("folds thousands of pods and spans into the lines there are, and counts all of them", () => {
    const { trace, folded } = fold(manySpansTrace(5000), 40);
    const shown = folded.groups.reduce((sum, { rows }) => sum + rows.length, 0);
    expect(folded.groups.length + shown).toBeLessThanOrEqual(41);
    const inHeadings = trace.spans.filter((span) => /^(workflow|node)/.test(span.name)).length;
    expect(shown + folded.hiddenSpans + inHeadings).toBe(trace.spans.length);
    expect(folded.hiddenGroups.length + folded.groups.length).toBe(groupByNode(trace).length);
  });
});
