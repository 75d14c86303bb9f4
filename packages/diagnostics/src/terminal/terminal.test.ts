import { describe, expect, it } from "vitest";
import { buildReport } from "../report.ts";
import { renderReportTerminal } from "../run-report.ts";
import { ciCheckoutTrace } from "../testing/ci-checkout-trace.ts";
import { manySpansTrace } from "../testing/many-spans-trace.ts";
import { spansOf, traceOf } from "../testing/parse-documents.ts";
import { createTraceBuilder } from "../testing/trace-builder.ts";
import { assembleTraces } from "../trace.ts";
import { widthOf } from "./text.ts";

function render(
  builder: Parameters<typeof spansOf>[0],
  options: { columns: number; color?: boolean },
): string {
  return renderReportTerminal(buildReport(spansOf(builder)), { ...options, traces: [traceOf(builder)] });
}

const ANSI = /\p{Cc}\[[0-9;]*m/gu;

/** A trace whose every text is as bad as it can be. */
function hostileTrace() {
  const builder = createTraceBuilder("hostile");
  const evil = `\u001b[2J\u001b]0;title\u0007 ${"漢".repeat(90)} ${"x".repeat(200)}`;
  const workflow = builder.add({
    name: "workflow",
    at: 0,
    seconds: 3,
    attributes: { name: evil },
    error: { message: evil },
  });
  const attributes = { node_id: "n", name: `${evil}.step`, node_type: "Pod" };
  const node = builder.add({
    name: "node",
    at: 0,
    seconds: 3,
    parent: workflow,
    attributes,
    error: { message: evil },
  });
  let parent = builder.add({ name: "runInitContainer", at: 0, seconds: 3, parent: node });
  for (let depth = 0; depth < 60; depth += 1) parent = builder.add({ name: evil, at: 0, seconds: 3, parent });
  const artifact = {
    "argo.artifact.name": evil,
    "argo.artifact.driver": evil,
    "argo.artifact.verdict": evil,
  };
  builder.add({
    name: "loadArtifact",
    at: 1,
    seconds: 1,
    parent,
    attributes: artifact,
    error: { message: evil, type: evil },
  });
  builder.add({
    name: "nodePhase",
    at: 0,
    seconds: 1,
    parent: node,
    attributes: { node_id: "n", node_phase: "Pending", message: evil },
  });
  return builder;
}

describe("renderReportTerminal", () => {
  it.each([80, 200])("draws steps, waterfall, transfers and failures at %d columns", async (columns) => {
    await expect(render(ciCheckoutTrace(), { columns })).toMatchFileSnapshot(
      `testdata/ci-checkout-${columns}.txt`,
    );
  });

  it("folds a trace of thousands of spans into some screens", async () => {
    await expect(render(manySpansTrace(5000), { columns: 100 })).toMatchFileSnapshot(
      "testdata/many-spans-100.txt",
    );
  });

  it("says the same in colour", () => {
    const plain = render(ciCheckoutTrace(), { columns: 100 });
    const colored = render(ciCheckoutTrace(), { columns: 100, color: true });
    expect(colored).not.toBe(plain);
    const shades = /[░▒▓█]/g;
    expect(colored.replace(ANSI, "").replace(shades, "█")).toBe(plain.replace(shades, "█"));
  });

  it.each([60, 80, 133, 200, 400])(
    "writes no line wider than %d columns, nor anything but text, whatever the trace says",
    (columns) => {
      for (const builder of [ciCheckoutTrace(), hostileTrace()]) {
        const text = render(builder, { columns });
        expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
        for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(columns);
        const colored = render(builder, { columns, color: true });
        expect(colored.replace(ANSI, "").replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
      }
    },
  );

  it("marks a span without an end instead of calling it short", () => {
    const builder = createTraceBuilder("cut");
    builder.add({ name: "runMainContainer", at: 0, seconds: 1, resource: { "k8s.pod.name": "pod" } });
    const [span] = spansOf(builder);
    if (!span) throw new Error("one span");
    const spans = [{ ...span, unfinished: true }];
    const text = renderReportTerminal(buildReport(spans), { traces: assembleTraces(spans) });
    expect(text).toMatch(/runMainContainer +no end █/);
  });
});
