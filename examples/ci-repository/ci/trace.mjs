/**
 * As much of OpenTelemetry as a script needs to show its work in the trace it was started from: spans below
 * `TRACEPARENT`, sent as OTLP's JSON. Without a collector in the environment it does nothing.
 */
import { randomBytes } from "node:crypto";

const SEND_TIMEOUT_MS = 2000;

const [, traceId = randomBytes(16).toString("hex"), remoteParent] =
  /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/.exec(process.env.TRACEPARENT ?? "") ?? [];

const finished = [];

/**
 * Runs work within a span, which is handed to it as the parent of further spans.
 *
 * @param {string} name
 * @param {{ parent?: { spanId: string }, attributes?: Record<string, string | number> }} options
 * @param {(span: { spanId: string, attributes: Record<string, string | number> }) => any} work
 */
export async function withSpan(name, { parent, attributes = {} }, work) {
  const span = { spanId: randomBytes(8).toString("hex"), attributes: { ...attributes } };
  const startTimeUnixNano = now();
  let status = {};
  try {
    return await work(span);
  } catch (error) {
    status = { code: 2, message: String(error?.message ?? error) };
    throw error;
  } finally {
    finished.push({
      traceId,
      spanId: span.spanId,
      ...(parent || remoteParent ? { parentSpanId: parent?.spanId ?? remoteParent } : {}),
      name,
      kind: 1,
      startTimeUnixNano,
      endTimeUnixNano: now(),
      attributes: toKeyValues(span.attributes),
      status,
    });
  }
}

/** Sends what has been finished. A trace that cannot be sent is told about and is no reason to fail. */
export async function sendSpans(serviceName) {
  const endpoint = process.env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (!endpoint || finished.length === 0) return;
  const resource = { attributes: toKeyValues({ "service.name": serviceName }) };
  const scopeSpans = [{ scope: { name: serviceName }, spans: finished.splice(0) }];
  try {
    const response = await fetch(`${endpoint.replace(/\/$/, "")}/v1/traces`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] }),
      signal: AbortSignal.timeout(SEND_TIMEOUT_MS),
    });
    if (!response.ok) process.stderr.write(`the collector answered ${response.status}\n`);
  } catch (error) {
    process.stderr.write(`the trace was not sent: ${error.message}\n`);
  }
}

function now() {
  // Milliseconds since 1970 with a fraction; the fraction is what tells short spans apart.
  return String(BigInt(Math.round((performance.timeOrigin + performance.now()) * 1000)) * 1000n);
}

function toKeyValues(attributes) {
  return Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === "number" ? { intValue: String(value) } : { stringValue: value },
  }));
}
