import type { Attributes, AttributeValue, SpanEvent, SpanKind, TraceSpan } from "./span.ts";
import { laterOf } from "./unix-nano.ts";

type JsonObject = { readonly [key: string]: unknown };

/**
 * Reads one document of trace data: an `ExportTraceServiceRequest` as JSON (what the collector's file exporter
 * writes per line), or what Tempo's query API answers (`batches`, possibly below `trace`, with base64 ids).
 * Gives `undefined` when the document is something else, such as metrics. A span without usable ids is
 * passed to `complain` and left out; unknown fields are ignored. Never throws.
 * Source: https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
export function parseOtlpDocument(
  document: unknown,
  complain: (complaint: string) => void,
): TraceSpan[] | undefined {
  const root = asObject(asObject(document).trace ?? document);
  const batches = root.resourceSpans ?? root.batches;
  if (!Array.isArray(batches)) return undefined;
  const spans: TraceSpan[] = [];
  for (const batch of batches.map(asObject)) {
    const resource = parseAttributes(asObject(batch.resource).attributes);
    const scopes = batch.scopeSpans ?? batch.instrumentationLibrarySpans;
    for (const scopeSpans of asArray(scopes).map(asObject)) {
      const scope = asText(asObject(scopeSpans.scope ?? scopeSpans.instrumentationLibrary).name);
      for (const json of asArray(scopeSpans.spans).map(asObject)) {
        const span = parseSpan(json, resource, scope);
        if (span) spans.push(span);
        else complain(`span ${JSON.stringify(json.name ?? "")} has no valid traceId and spanId`);
      }
    }
  }
  return spans;
}

function parseSpan(json: JsonObject, resource: Attributes, scope: string): TraceSpan | undefined {
  const traceId = parseId(json.traceId, 16);
  const spanId = parseId(json.spanId, 8);
  if (!traceId || !spanId) return undefined;
  const startUnixNano = parseUnixNano(json.startTimeUnixNano);
  const endUnixNano = parseUnixNano(json.endTimeUnixNano);
  const status = asObject(json.status);
  return {
    traceId,
    spanId,
    parentSpanId: parseId(json.parentSpanId, 8),
    name: asText(json.name) || "(no name)",
    kind: parseKind(json.kind),
    startUnixNano,
    // A clock that was set back between the two would make a negative duration.
    endUnixNano: laterOf(startUnixNano, endUnixNano),
    unfinished: endUnixNano === 0n,
    status: parseStatusCode(status.code),
    statusMessage: asText(status.message),
    attributes: parseAttributes(json.attributes),
    events: asArray(json.events).map((event) => parseEvent(asObject(event))),
    resource,
    scope,
  };
}

function parseEvent(json: JsonObject): SpanEvent {
  return {
    name: asText(json.name) || "(no name)",
    timeUnixNano: parseUnixNano(json.timeUnixNano),
    attributes: parseAttributes(json.attributes),
  };
}

/** OTLP/JSON writes ids as hex; plain protobuf JSON, and with it Tempo, as base64. Empty when neither, or all zero. */
function parseId(value: unknown, bytes: 8 | 16): string {
  if (typeof value !== "string") return "";
  let hex = "";
  if (value.length === bytes * 2 && /^[0-9a-f]+$/i.test(value)) {
    hex = value.toLowerCase();
  } else if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(value)) {
    const decoded = Buffer.from(value, "base64");
    if (decoded.length === bytes) hex = decoded.toString("hex");
  }
  return /^0*$/.test(hex) ? "" : hex;
}

/** A decimal string by the specification; a number from writers that do not keep to it. Zero when neither. */
function parseUnixNano(value: unknown): bigint {
  if (typeof value === "string" && /^\d+$/.test(value)) return BigInt(value);
  if (typeof value === "number" && Number.isFinite(value) && value > 0) return BigInt(Math.round(value));
  return 0n;
}

const KINDS: readonly SpanKind[] = ["unspecified", "internal", "server", "client", "producer", "consumer"];

function parseKind(value: unknown): SpanKind {
  if (typeof value === "number") return KINDS[value] ?? "unspecified";
  const name = asText(value)
    .replace(/^SPAN_KIND_/, "")
    .toLowerCase();
  return KINDS.find((kind) => kind === name) ?? "unspecified";
}

function parseStatusCode(value: unknown): TraceSpan["status"] {
  if (value === 2 || value === "STATUS_CODE_ERROR") return "error";
  return value === 1 || value === "STATUS_CODE_OK" ? "ok" : "unset";
}

function parseAttributes(list: unknown): Attributes {
  const attributes = new Map<string, AttributeValue>();
  for (const item of asArray(list).map(asObject)) {
    if (typeof item.key === "string") attributes.set(item.key, parseValue(item.value));
  }
  return attributes;
}

function parseValue(value: unknown): AttributeValue {
  const json = asObject(value);
  if (typeof json.stringValue === "string") return json.stringValue;
  if (typeof json.boolValue === "boolean") return json.boolValue;
  if (json.intValue !== undefined) return Number(json.intValue);
  if (json.doubleValue !== undefined) return Number(json.doubleValue);
  if (json.arrayValue !== undefined) return asArray(asObject(json.arrayValue).values).map(parseValue);
  if (json.kvlistValue !== undefined) return parseAttributes(asObject(json.kvlistValue).values);
  return typeof json.bytesValue === "string" ? json.bytesValue : null;
}

function asObject(value: unknown): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}

function asArray(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function asText(value: unknown): string {
  return typeof value === "string" ? value : "";
}
