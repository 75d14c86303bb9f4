import type { Attributes, AttributeValue, SpanEvent, SpanKind, TraceSpan } from "./span.ts";

type JsonObject = { readonly [key: string]: unknown };

/**
 * Reads what Jaeger's query API answers, `{data: [{spans, processes}]}`: times in microseconds, attributes as typed tags,
 * events as logs, kind and status as tags. `undefined` when the document is something else. Never throws.
 * Source: https://www.jaegertracing.io/docs/latest/apis/ and the mapping of OpenTelemetry to Jaeger,
 * https://opentelemetry.io/docs/specs/otel/trace/sdk_exporters/jaeger/
 */
export function parseJaegerDocument(
  document: unknown,
  complain: (complaint: string) => void,
): TraceSpan[] | undefined {
  const { data } = asObject(document);
  if (!Array.isArray(data) || !data.every((trace) => Array.isArray(asObject(trace).spans))) return undefined;
  const spans: TraceSpan[] = [];
  for (const trace of data.map(asObject)) {
    const resources = parseProcesses(asObject(trace.processes));
    for (const json of asArray(trace.spans).map(asObject)) {
      const span = parseSpan(json, resources);
      if (span) spans.push(span);
      else complain(`span ${JSON.stringify(json.operationName ?? "")} has no valid traceID and spanID`);
    }
  }
  return spans;
}

function parseProcesses(processes: JsonObject): Map<string, Attributes> {
  return new Map(
    Object.entries(processes).map(([id, value]) => {
      const process = asObject(value);
      const service = new Map<string, AttributeValue>([["service.name", asText(process.serviceName)]]);
      return [id, new Map([...service, ...parseTags(process.tags)])];
    }),
  );
}

function parseSpan(json: JsonObject, resources: ReadonlyMap<string, Attributes>): TraceSpan | undefined {
  const traceId = parseId(json.traceID, 32);
  const spanId = parseId(json.spanID, 16);
  if (!traceId || !spanId) return undefined;
  const tags = new Map(parseTags(json.tags));
  const startUnixNano = fromMicroseconds(json.startTime);
  const status = takeStatus(tags);
  const kind = takeText(tags, "span.kind");
  const scope = takeText(tags, "otel.scope.name") || takeText(tags, "otel.library.name");
  tags.delete("otel.scope.version");
  tags.delete("internal.span.format");
  return {
    traceId,
    spanId,
    parentSpanId: parentOf(json),
    name: asText(json.operationName) || "(no name)",
    kind: KINDS.find((known) => known === kind) ?? "unspecified",
    startUnixNano,
    endUnixNano: startUnixNano + fromMicroseconds(json.duration),
    unfinished: false,
    ...status,
    attributes: tags,
    events: asArray(json.logs).map((log) => parseLog(asObject(log))),
    resource: resources.get(asText(json.processID)) ?? new Map(),
    scope,
  };
}

const KINDS: readonly SpanKind[] = ["internal", "server", "client", "producer", "consumer"];

function parentOf(json: JsonObject): string {
  const references = asArray(json.references).map(asObject);
  const parent = references.find(({ refType }) => refType === "CHILD_OF") ?? { spanID: json.parentSpanID };
  return parseId(parent.spanID, 16);
}

function takeStatus(tags: Map<string, AttributeValue>): Pick<TraceSpan, "status" | "statusMessage"> {
  const code = takeText(tags, "otel.status_code");
  const statusMessage = takeText(tags, "otel.status_description");
  const isError = code === "ERROR" || tags.get("error") === true;
  tags.delete("error");
  return { status: isError ? "error" : code === "OK" ? "ok" : "unset", statusMessage };
}

function takeText(tags: Map<string, AttributeValue>, key: string): string {
  const value = asText(tags.get(key));
  tags.delete(key);
  return value;
}

/** The name of an event is a field of its log. */
function parseLog(json: JsonObject): SpanEvent {
  const fields = new Map(parseTags(json.fields));
  const name = takeText(fields, "event") || takeText(fields, "message") || "(no name)";
  return { name, timeUnixNano: fromMicroseconds(json.timestamp), attributes: fields };
}

function parseTags(tags: unknown): [string, AttributeValue][] {
  return asArray(tags)
    .map(asObject)
    .filter(({ key }) => typeof key === "string")
    .map(({ key, value, type }) => [key as string, parseValue(value, type)]);
}

function parseValue(value: unknown, type: unknown): AttributeValue {
  if (type === "int64" || type === "float64") return Number(value);
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") return value;
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/** Jaeger drops leading zeros from ids. */
function parseId(value: unknown, digits: number): string {
  const text = asText(value).toLowerCase();
  if (!/^[0-9a-f]+$/.test(text) || text.length > digits || /^0+$/.test(text)) return "";
  return text.padStart(digits, "0");
}

function fromMicroseconds(value: unknown): bigint {
  const number = Number(value);
  return Number.isFinite(number) && number > 0 ? BigInt(Math.round(number)) * 1000n : 0n;
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
