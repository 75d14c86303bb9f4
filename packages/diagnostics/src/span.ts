/** A value of an attribute, in the shapes OTLP knows. Integers beyond 2^53 are rounded; bytes stay base64 text. */
export type AttributeValue =
  | string
  | number
  | boolean
  | null
  | readonly AttributeValue[]
  | ReadonlyMap<string, AttributeValue>;

/** In the order in which they were written. A map, because keys come from strangers (`__proto__`). */
export type Attributes = ReadonlyMap<string, AttributeValue>;

export interface SpanEvent {
  readonly name: string;
  readonly timeUnixNano: bigint;
  readonly attributes: Attributes;
}

/** One span as it was exported: https://opentelemetry.io/docs/specs/otlp/ */
export interface TraceSpan {
  /** 32 lower-case hex digits. */
  readonly traceId: string;
  /** 16 lower-case hex digits. */
  readonly spanId: string;
  /** 16 lower-case hex digits, or empty for a root. */
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: SpanKind;
  readonly startUnixNano: bigint;
  /** Never before `startUnixNano`. */
  readonly endUnixNano: bigint;
  /** True when the span was written without an end: whoever made it died, or is still at work. */
  readonly unfinished: boolean;
  readonly status: "unset" | "ok" | "error";
  readonly statusMessage: string;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** What produced the span: https://opentelemetry.io/docs/specs/semconv/resource/ Shared by spans of one process. */
  readonly resource: Attributes;
  /** The instrumentation scope, `argoexec` for the executor's own. */
  readonly scope: string;
  /** What its clock said, and where it is shown instead; only of spans whose times cannot be those of their trace. */
  readonly clock?: string;
}

export type SpanKind = "unspecified" | "internal" | "server" | "client" | "producer" | "consumer";

/** Seconds between start and end, exact to the nanosecond for spans shorter than 104 days. */
export function spanSeconds(span: { startUnixNano: bigint; endUnixNano: bigint }): number {
  return Number(span.endUnixNano - span.startUnixNano) / 1e9;
}

/** The attribute as text; numbers and booleans are spelled out, anything else is `undefined`. */
export function textAttribute(attributes: Attributes, key: string): string | undefined {
  const value = attributes.get(key);
  if (typeof value === "string") return value;
  return typeof value === "number" || typeof value === "boolean" ? String(value) : undefined;
}

/** The attribute as a finite number; text that spells one counts, as some exporters write every value as text. */
export function numberAttribute(attributes: Attributes, key: string): number | undefined {
  const value = attributes.get(key);
  if (typeof value === "number") return Number.isFinite(value) ? value : undefined;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const number = Number(value);
  return Number.isFinite(number) ? number : undefined;
}
