import { describe, expect, it } from "vitest";
import { parseOtlpDocument } from "./otlp-json.ts";

const TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN_ID = "00f067aa0ba902b7";

const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");

function document(span: Record<string, unknown>) {
  const base = { traceId: TRACE_ID, spanId: SPAN_ID, name: "loadArtifact" };
  return {
    resourceSpans: [{ scopeSpans: [{ scope: { name: "argoexec" }, spans: [{ ...base, ...span }] }] }],
  };
}

function parseOne(span: Record<string, unknown>) {
  const complaints: string[] = [];
  const spans = parseOtlpDocument(document(span), (complaint) => complaints.push(complaint));
  expect(complaints).toEqual([]);
  const [only] = spans ?? [];
  if (!only) throw new Error("no span was read");
  return only;
}

describe("parseOtlpDocument", () => {
  it("reads ids as hex in either case, and as base64", () => {
    expect(parseOne({ traceId: TRACE_ID.toUpperCase() }).traceId).toBe(TRACE_ID);
    const span = parseOne({
      traceId: base64(TRACE_ID),
      spanId: base64(SPAN_ID),
      parentSpanId: base64("1122334455667788"),
    });
    expect([span.traceId, span.spanId, span.parentSpanId]).toEqual([TRACE_ID, SPAN_ID, "1122334455667788"]);
  });

  it.each([undefined, "", "0000000000000000", "AAAAAAAAAAA="])(
    "takes the parent id %j for none",
    (parentSpanId) => {
      expect(parseOne({ parentSpanId }).parentSpanId).toBe("");
    },
  );

  it("keeps times given as decimal strings exact to the nanosecond, and takes numbers too", () => {
    const span = parseOne({ startTimeUnixNano: "1768469400000000001", endTimeUnixNano: 1768469401000000000 });
    expect(span.startUnixNano).toBe(1768469400000000001n);
    expect(span.endUnixNano).toBe(1768469401000000000n);
  });

  it("never lets a span end before it starts", () => {
    const span = parseOne({ startTimeUnixNano: "2000", endTimeUnixNano: "1000" });
    expect(span.endUnixNano).toBe(2000n);
    expect(span.unfinished).toBe(false);
  });

  it.each([undefined, "0", 0, "soon"])("calls a span that ends at %j unfinished", (endTimeUnixNano) => {
    const span = parseOne({ startTimeUnixNano: "2000", endTimeUnixNano });
    expect(span).toMatchObject({ unfinished: true, endUnixNano: 2000n });
  });

  it("reads every kind of attribute value", () => {
    const values = {
      text: { stringValue: "a" },
      yes: { boolValue: true },
      count: { intValue: "42" },
      number: { intValue: 43 },
      share: { doubleValue: 0.5 },
      list: { arrayValue: { values: [{ stringValue: "x" }, { intValue: "1" }] } },
      map: { kvlistValue: { values: [{ key: "k", value: { boolValue: false } }] } },
      nothing: {},
    };
    const attributes = Object.entries(values).map(([key, value]) => ({ key, value }));
    expect([...parseOne({ attributes }).attributes]).toEqual([
      ["text", "a"],
      ["yes", true],
      ["count", 42],
      ["number", 43],
      ["share", 0.5],
      ["list", ["x", 1]],
      ["map", new Map([["k", false]])],
      ["nothing", null],
    ]);
  });

  it("keeps a key called __proto__ a key", () => {
    const span = parseOne({ attributes: [{ key: "__proto__", value: { stringValue: "x" } }] });
    expect(span.attributes.get("__proto__")).toBe("x");
  });

  it.each([
    [2, "error"],
    ["STATUS_CODE_ERROR", "error"],
    [1, "ok"],
    ["STATUS_CODE_OK", "ok"],
    [undefined, "unset"],
  ])("reads status code %j as %s", (code, status) => {
    expect(parseOne({ status: { code } }).status).toBe(status);
  });

  it.each([
    [3, "client"],
    ["SPAN_KIND_PRODUCER", "producer"],
    [undefined, "unspecified"],
    [99, "unspecified"],
  ])("reads kind %j as %s", (kind, name) => {
    expect(parseOne({ kind }).kind).toBe(name);
  });

  it("reads what Tempo's query API answers", () => {
    const { resourceSpans } = document({ traceId: base64(TRACE_ID) });
    for (const answer of [{ batches: resourceSpans }, { trace: { resourceSpans } }]) {
      expect(parseOtlpDocument(answer, () => {})).toMatchObject([{ traceId: TRACE_ID }]);
    }
  });

  it("says of a span without usable ids that it leaves it out, and keeps the others", () => {
    const complaints: string[] = [];
    const broken = document({ traceId: "not an id" });
    broken.resourceSpans.push(...document({}).resourceSpans);
    expect(parseOtlpDocument(broken, (complaint) => complaints.push(complaint))).toHaveLength(1);
    expect(complaints).toEqual(['span "loadArtifact" has no valid traceId and spanId']);
  });

  it.each([[null], [[]], ["text"], [7], [{}], [{ resourceMetrics: [] }]])(
    "gives nothing for %j, which is no trace data",
    (other) => {
      expect(parseOtlpDocument(other, () => {})).toBeUndefined();
    },
  );

  it("survives fields of the wrong type anywhere", () => {
    const wrong = {
      resourceSpans: [null, 3, { resource: 1, scopeSpans: [null, { spans: "x" }, { spans: [7] }] }],
    };
    expect(parseOtlpDocument(wrong, () => {})).toEqual([]);
    expect(
      parseOne({ attributes: [null, { key: 3 }], events: [null, 7], status: "bad" }).events,
    ).toHaveLength(2);
  });
});
