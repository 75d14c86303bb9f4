import { createHash } from "node:crypto";

/** The start of every trace made here: a fixed moment, so that output can be compared with files. */
export const TRACE_START_UNIX_NANO = BigInt(Date.UTC(2026, 0, 15, 9, 30)) * 1_000_000n;

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

export interface SpanInput {
  name: string;
  /** Seconds after the trace's start. */
  at: number;
  seconds: number;
  parent?: string | undefined;
  attributes?: Record<string, Json> | undefined;
  events?: { name: string; at: number; attributes?: Record<string, Json> }[];
  error?: { message: string; type?: string; stack?: string };
  ok?: boolean;
  kind?: number;
  resource?: Record<string, Json>;
  scope?: string;
}

/** Collects spans and writes them as OTLP JSON, the way an exporter would. Ids follow from the seed. */
export function createTraceBuilder(seed: string) {
  const traceId = hexOf(`trace ${seed}`, 32);
  const requests: Json[] = [];
  let count = 0;
  return {
    traceId,
    /** Adds a span and gives its id, to be named as a parent. */
    add(input: SpanInput): string {
      count += 1;
      const spanId = hexOf(`span ${seed} ${count}`, 16);
      requests.push(toRequest(input, traceId, spanId));
      return spanId;
    },
    documents: (): readonly Json[] => requests,
    jsonLines: (): string => requests.map((request) => `${JSON.stringify(request)}\n`).join(""),
  };
}

function toRequest(input: SpanInput, traceId: string, spanId: string): Json {
  const { resource = { "service.name": "argoexec" }, scope = "argoexec", error } = input;
  const attributes = { ...input.attributes, ...(error?.type ? { "error.type": error.type } : {}) };
  const span = {
    traceId,
    spanId,
    ...(input.parent ? { parentSpanId: input.parent } : {}),
    name: input.name,
    kind: input.kind ?? 1,
    startTimeUnixNano: unixNano(input.at),
    endTimeUnixNano: unixNano(input.at + input.seconds),
    attributes: toAttributes(attributes),
    events: [...(input.events ?? []), ...exceptionOf(input)].map((event) => ({
      name: event.name,
      timeUnixNano: unixNano(event.at),
      attributes: toAttributes(event.attributes ?? {}),
    })),
    status: error ? { code: 2, message: error.message } : input.ok ? { code: 1 } : {},
  };
  return {
    resourceSpans: [
      {
        resource: { attributes: toAttributes(resource) },
        scopeSpans: [{ scope: { name: scope }, spans: [span] }],
      },
    ],
  };
}

function exceptionOf({ error, at, seconds }: SpanInput): NonNullable<SpanInput["events"]> {
  if (!error?.stack) return [];
  const attributes = {
    "exception.type": "ArtifactError",
    "exception.message": error.message,
    "exception.stacktrace": error.stack,
  };
  return [{ name: "exception", at: at + seconds, attributes }];
}

function unixNano(seconds: number): string {
  return String(TRACE_START_UNIX_NANO + BigInt(Math.round(seconds * 1e9)));
}

function toAttributes(attributes: Record<string, Json>): Json[] {
  return Object.entries(attributes).map(([key, value]) => ({ key, value: toValue(value) }));
}

function toValue(value: Json): Json {
  if (typeof value === "string") return { stringValue: value };
  if (typeof value === "boolean") return { boolValue: value };
  if (typeof value === "number") {
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value };
  }
  if (Array.isArray(value)) return { arrayValue: { values: value.map(toValue) } };
  return value === null ? {} : { kvlistValue: { values: toAttributes(value as Record<string, Json>) } };
}

function hexOf(text: string, digits: number): string {
  return createHash("sha256").update(text).digest("hex").slice(0, digits);
}
