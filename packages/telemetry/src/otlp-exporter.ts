import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import type { Environment } from "@skein/contract";
import { ConfigError } from "@skein/contract";

export type OtlpProtocol = "grpc" | "http/protobuf" | "http/json";

export const PROTOCOLS: readonly OtlpProtocol[] = ["grpc", "http/protobuf", "http/json"];

/**
 * The longest an export may take. Below the 2 s a shutdown may take, so that every timer and retry of the SDK is
 * over when the shutdown is, and nothing keeps the process alive.
 */
const MAX_EXPORT_MS = 1_800;

/** Where spans are sent, or `undefined` when nobody asked for that. */
export interface OtlpTarget {
  protocol: OtlpProtocol;
  endpoint: string;
}

/**
 * Only the presence of an endpoint variable turns the exporter on, even when it is empty (the SDK's default address
 * then); the protocol is gRPC when unset. Both as upstream has them and unlike the OpenTelemetry default.
 *
 * @throws ConfigError (exit code 1) when the protocol is unknown
 */
export function parseOtlpTarget(env: Environment): OtlpTarget | undefined {
  const endpoint = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  if (endpoint === undefined || env.OTEL_TRACES_EXPORTER === "none") return undefined;
  const name = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    ? "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"
    : "OTEL_EXPORTER_OTLP_PROTOCOL";
  const protocol = env[name] || "grpc";
  if (isProtocol(protocol)) return { protocol, endpoint };
  throw new ConfigError(
    `unsupported OTLP protocol "${protocol}" in ${name}: use one of ${PROTOCOLS.join(", ")}`,
    { exitCode: 1 },
  );
}

/** The metrics' own where it is one, else the spans': metrics are no reason to end a container. */
export function metricsProtocol(env: Environment, ofSpans: OtlpProtocol): OtlpProtocol {
  const own = env.OTEL_EXPORTER_OTLP_METRICS_PROTOCOL?.trim() ?? "";
  return isProtocol(own) ? own : ofSpans;
}

function isProtocol(text: string): text is OtlpProtocol {
  return PROTOCOLS.some((known) => known === text);
}

/** Whether spans are sent anywhere. @throws ConfigError as {@link parseOtlpTarget} does */
export function hasCollector(env: Environment): boolean {
  return parseOtlpTarget(env) !== undefined;
}

/**
 * The SDK's exporter for the protocol; only that one is loaded. Endpoint, headers, compression and certificates are
 * read from `process.env` by the SDK itself.
 */
export function createOtlpExporter(protocol: OtlpProtocol, env: Environment): Promise<SpanExporter> {
  return loadExporter(protocol, { timeoutMillis: exportTimeoutMs(env) });
}

async function loadExporter(
  protocol: OtlpProtocol,
  options: { timeoutMillis: number },
): Promise<SpanExporter> {
  switch (protocol) {
    case "grpc": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
      return new OTLPTraceExporter(options);
    }
    case "http/json": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-http");
      return new OTLPTraceExporter(options);
    }
    case "http/protobuf": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
      return new OTLPTraceExporter(options);
    }
  }
}

/** `OTEL_EXPORTER_OTLP_[TRACES_|METRICS_]TIMEOUT` in ms, as far as a shutdown can wait for it. */
export function exportTimeoutMs(env: Environment, signal: "TRACES" | "METRICS" = "TRACES"): number {
  const own = env[`OTEL_EXPORTER_OTLP_${signal}_TIMEOUT`];
  const asked = Number(own || env.OTEL_EXPORTER_OTLP_TIMEOUT || Number.NaN);
  return asked > 0 ? Math.min(asked, MAX_EXPORT_MS) : MAX_EXPORT_MS;
}
