import { describe, expect, it } from "vitest";
import { spansOf, traceOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";
import { assembleTraces } from "./trace.ts";

describe("assembleTraces", () => {
  it("orders spans by start, the longer first, whatever the order of the file", () => {
    const builder = createTraceBuilder("order");
    builder.add({ name: "late", at: 2, seconds: 1 });
    builder.add({ name: "short", at: 1, seconds: 1 });
    builder.add({ name: "long", at: 1, seconds: 5 });
    expect(traceOf(builder).spans.map((span) => span.name)).toEqual(["long", "short", "late"]);
  });

  it("makes a span whose parent is not in the file a root", () => {
    const builder = createTraceBuilder("orphan");
    builder.add({ name: "orphan", at: 0, seconds: 1, parent: "1122334455667788" });
    const trace = traceOf(builder);
    expect(trace.roots).toHaveLength(1);
    expect(trace.parentOf(trace.roots[0] as never)).toBeUndefined();
  });

  it("cuts a circle of parents, so that every span is reached once", () => {
    const builder = createTraceBuilder("circle");
    const spans = spansOf(
      (() => {
        const first = builder.add({ name: "a", at: 0, seconds: 3 });
        const second = builder.add({ name: "b", at: 1, seconds: 2, parent: first });
        builder.add({ name: "c", at: 2, seconds: 1, parent: second });
        return builder;
      })(),
    );
    const [a, b, c] = spans;
    if (!a || !b || !c) throw new Error("three spans");
    const [trace] = assembleTraces([{ ...a, parentSpanId: c.spanId }, b, c]);
    const reached: string[] = [];
    const waiting = [...(trace?.roots ?? [])];
    for (let span = waiting.pop(); span; span = waiting.pop()) {
      reached.push(span.name);
      waiting.push(...(trace?.childrenOf(span) ?? []));
    }
    expect(reached).toEqual(["a", "b", "c"]);
  });

  it("takes a span that is its own parent for a root", () => {
    const builder = createTraceBuilder("self");
    builder.add({ name: "self", at: 0, seconds: 1 });
    const [span] = spansOf(builder);
    if (!span) throw new Error("one span");
    const [trace] = assembleTraces([{ ...span, parentSpanId: span.spanId }]);
    expect(trace?.roots).toHaveLength(1);
    expect(trace?.childrenOf(trace.roots[0] as never)).toEqual([]);
  });

  it("separates traces, the one with most spans first", () => {
    const small = createTraceBuilder("small");
    small.add({ name: "stray", at: 0, seconds: 1 });
    const large = createTraceBuilder("large");
    large.add({ name: "x", at: 5, seconds: 1 });
    large.add({ name: "y", at: 5, seconds: 1 });
    const traces = assembleTraces([...spansOf(small), ...spansOf(large)]);
    expect(traces.map((trace) => trace.traceId)).toEqual([large.traceId, small.traceId]);
  });

  it("assembles a chain of 20 000 spans without running out of stack or patience", () => {
    const builder = createTraceBuilder("deep");
    let parent: string | undefined;
    for (let index = 0; index < 20_000; index += 1) {
      parent = builder.add({ name: "deeper", at: index / 1000, seconds: 1, parent });
    }
    expect(traceOf(builder).roots).toHaveLength(1);
  });
});
