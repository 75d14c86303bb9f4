import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import { freePort } from "../../support/free-port.ts";
import { startServer } from "./process.ts";

/** A span as the collector wrote it down, with the resource it came from. */
export interface CollectedSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId: string;
  attributes: Readonly<Record<string, unknown>>;
  resource: Readonly<Record<string, unknown>>;
  events: readonly { name: string; attributes: Readonly<Record<string, unknown>> }[];
  /** 2 is an error. */
  statusCode: number;
  startUnixNano: bigint;
  endUnixNano: bigint;
}

/** A real OpenTelemetry collector. */
export interface Collector extends AsyncDisposable {
  /** Endpoint for OTLP over gRPC. */
  grpc: string;
  /** Endpoint for OTLP over HTTP. */
  http: string;
  /** What has arrived of a trace so far. */
  spans(traceId: string): CollectedSpan[];
  /** Points of metrics that have arrived so far, of all pods. */
  metricPoints(): { name: string; attributes: Readonly<Record<string, unknown>> }[];
}

const PROGRAM = fileURLToPath(new URL("../../../.tools/bin/otelcol", import.meta.url));

export async function startCollector(directory: string): Promise<Collector> {
  if (!existsSync(PROGRAM)) {
    throw new Error(`the suite runs a real collector, and ${PROGRAM} is not there: run \`make e2e\``);
  }
  const [grpc, http] = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`];
  const file = join(directory, "spans.jsonl");
  const metricsFile = join(directory, "metrics.jsonl");
  const config = join(directory, "collector.yaml");
  writeFileSync(
    config,
    stringify({
      receivers: { otlp: { protocols: { grpc: { endpoint: grpc }, http: { endpoint: http } } } },
      exporters: {
        "file/traces": { path: file, flush_interval: "50ms" },
        "file/metrics": { path: metricsFile, flush_interval: "50ms" },
      },
      service: {
        pipelines: {
          traces: { receivers: ["otlp"], exporters: ["file/traces"] },
          metrics: { receivers: ["otlp"], exporters: ["file/metrics"] },
        },
        telemetry: { metrics: { level: "none" } },
      },
    }),
  );
  const server = await startServer({
    argv: [PROGRAM, "--config", config],
    log: join(directory, "collector.log"),
    isReady: async () => {
      const headers = { "content-type": "application/json" };
      const answer = await fetch(`http://${http}/v1/traces`, { method: "POST", headers, body: "{}" });
      return answer.ok;
    },
  });
  return {
    grpc: `http://${grpc}`,
    http: `http://${http}`,
    spans: (traceId) => readSpans(file).filter((span) => span.traceId === traceId),
    metricPoints: () => readMetricPoints(metricsFile),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** OTLP's JSON, as far as it is read. */
interface Written {
  resourceSpans?: { resource?: { attributes?: KeyValue[] }; scopeSpans?: { spans?: WrittenSpan[] }[] }[];
}

interface WrittenSpan {
  name: string;
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  attributes?: KeyValue[];
  events?: { name: string; attributes?: KeyValue[] }[];
  status?: { code?: number };
  startTimeUnixNano: string;
  endTimeUnixNano: string;
}

interface KeyValue {
  key: string;
  value: Record<string, unknown>;
}

/** The last line is empty, or not whole yet. */
function readLines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}

interface WrittenMetrics {
  resourceMetrics?: { scopeMetrics?: { metrics?: WrittenMetric[] }[] }[];
}

interface WrittenMetric {
  name: string;
  sum?: { dataPoints?: { attributes?: KeyValue[] }[] };
  histogram?: { dataPoints?: { attributes?: KeyValue[] }[] };
}

function readMetricPoints(file: string): ReturnType<Collector["metricPoints"]> {
  return readLines<WrittenMetrics>(file)
    .flatMap(({ resourceMetrics = [] }) => resourceMetrics)
    .flatMap(({ scopeMetrics = [] }) => scopeMetrics)
    .flatMap(({ metrics = [] }) => metrics)
    .flatMap(({ name, sum, histogram }) =>
      ((sum ?? histogram)?.dataPoints ?? []).map(({ attributes }) => ({
        name,
        attributes: toRecord(attributes),
      })),
    );
}

/** Every span in a file of the collector. */
export function readSpans(file: string): CollectedSpan[] {
  return readLines<Written>(file)
    .flatMap(({ resourceSpans = [] }) => resourceSpans)
    .flatMap(({ resource, scopeSpans = [] }) =>
      scopeSpans.flatMap(({ spans = [] }) => spans.map((span) => toCollected(span, resource?.attributes))),
    );
}

function toCollected(span: WrittenSpan, resource: KeyValue[] | undefined): CollectedSpan {
  return {
    name: span.name,
    traceId: span.traceId,
    spanId: span.spanId,
    parentSpanId: span.parentSpanId ?? "",
    attributes: toRecord(span.attributes),
    resource: toRecord(resource),
    events: (span.events ?? []).map(({ name, attributes }) => ({ name, attributes: toRecord(attributes) })),
    statusCode: span.status?.code ?? 0,
    startUnixNano: BigInt(span.startTimeUnixNano),
    endUnixNano: BigInt(span.endTimeUnixNano),
  };
}

/** Integers come as text, because JSON's numbers are too short for them. */
function toRecord(attributes: KeyValue[] = []): Record<string, unknown> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      "intValue" in value ? Number(value.intValue) : Object.values(value)[0],
    ]),
  );
}
