import type { TraceContext } from "@skein/contract";

/** https://opentelemetry.io/docs/specs/otel/trace/api/#spankind, as numbered in OTLP. */
export const SPAN_KIND = { internal: 1, producer: 4 } as const;

/** As numbered in OTLP; 0 is unset. */
export const STATUS_CODE = { ok: 1, error: 2 } as const;

export interface FinishedSpan {
  context: TraceContext;
  parentSpanId?: string;
  name: string;
  kind: (typeof SPAN_KIND)[keyof typeof SPAN_KIND];
  start: Date;
  end: Date;
  attributes: Readonly<Record<string, string>>;
  status?: { code: (typeof STATUS_CODE)[keyof typeof STATUS_CODE]; message?: string };
}

/** A request for export, in OTLP's JSON: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding */
export function exportRequest(
  service: { name: string; attributes: Readonly<Record<string, string>> },
  spans: readonly FinishedSpan[],
): { resourceSpans: unknown[] } {
  const resource = { attributes: keyValues({ "service.name": service.name, ...service.attributes }) };
  return {
    resourceSpans: [
      { resource, scopeSpans: [{ scope: { name: service.name }, spans: spans.map(encodeSpan) }] },
    ],
  };
}

function encodeSpan(span: FinishedSpan): unknown {
  const { context, parentSpanId, name, kind, start, end, attributes, status } = span;
  return {
    traceId: context.traceId,
    spanId: context.spanId,
    ...(context.traceState ? { traceState: context.traceState } : {}),
    ...(parentSpanId ? { parentSpanId } : {}),
    name,
    kind,
    startTimeUnixNano: nanoseconds(start),
    endTimeUnixNano: nanoseconds(end),
    attributes: keyValues(attributes),
    ...(status ? { status } : {}),
  };
}

function keyValues(attributes: Readonly<Record<string, string>>): unknown[] {
  return Object.entries(attributes).map(([key, stringValue]) => ({ key, value: { stringValue } }));
}

function nanoseconds(time: Date): string {
  return `${time.getTime()}000000`;
}
