import { diag } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { checkOtlpVariables } from "./check-otlp-variables.ts";

afterEach(() => {
  diag.disable();
  vi.unstubAllEnvs();
});

describe("checkOtlpVariables", () => {
  it.each([
    ["OTEL_EXPORTER_OTLP_COMPRESSION", "snappy", "gzip or none"],
    ["OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "GZIP", "gzip or none"],
    ["OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zstd", "gzip or none"],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "abc", "milliseconds, as 1500"],
    ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "-1", "milliseconds, as 1500"],
    ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "10s", "milliseconds, as 1500"],
    ["OTEL_EXPORTER_OTLP_TIMEOUT", "10", "milliseconds, as 1500"],
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "http", "grpc or http/protobuf or http/json"],
    ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "gRPC", "grpc or http/protobuf or http/json"],
    ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "statsd", "grpc or http/protobuf or http/json"],
    ["OTEL_EXPORTER_OTLP_INSECURE", "yes", "true or false"],
    ["OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem", "the path of a mounted PEM file"],
    ["OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY", "/nowhere/key.pem", "the path of a mounted PEM file"],
    ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "both", "delta or cumulative or lowmemory"],
    ["OTEL_TRACES_EXPORTER", "jaeger", "otlp or none"],
    ["OTEL_TRACES_SAMPLER", "sometimes", expect.stringContaining("parentbased_traceidratio")],
    ["OTEL_SDK_DISABLED", "1", "true or false"],
    ["OTEL_BSP_MAX_QUEUE_SIZE", "lots", "a whole number"],
    ["OTEL_SPAN_EVENT_COUNT_LIMIT", "1e", "a whole number"],
  ])("names %s=%s and what to set it to", (name, value, instead) => {
    expect(checkOtlpVariables({ [name]: value })).toEqual([
      expect.objectContaining({ name, value, instead, meanwhile: expect.stringMatching(/./) }),
    ]);
  });

  it("has nothing to say of what the exporters understand, nor of variables that may hold secrets", () => {
    const env = {
      OTEL_EXPORTER_OTLP_COMPRESSION: " gzip ",
      OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "none",
      OTEL_EXPORTER_OTLP_TIMEOUT: "1500",
      OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "10000",
      OTEL_EXPORTER_OTLP_METRICS_TIMEOUT: "",
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: "http/json",
      OTEL_EXPORTER_OTLP_INSECURE: "TRUE",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/dev/null",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=secret",
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_TRACES_SAMPLER: "always_on",
      OTEL_BSP_SCHEDULE_DELAY: "0",
      OTEL_RESOURCE_ATTRIBUTES: "a=b",
    };
    expect(checkOtlpVariables(env)).toEqual([]);
  });

  it.each([
    { OTEL_EXPORTER_OTLP_COMPRESSION: "snappy" },
    { OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: "GZIP" },
    { OTEL_EXPORTER_OTLP_TIMEOUT: "abc" },
    { OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: "-1" },
    { OTEL_EXPORTER_OTLP_CERTIFICATE: "/nowhere/ca.pem" },
  ] as Record<string, string>[])("names what the SDK itself complains of: %j", (env) => {
    const said: string[] = [];
    const say = (text: string): number => said.push(text);
    diag.setLogger({ error: say, warn: say, info: () => {}, debug: () => {}, verbose: () => {} });
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
    new OTLPTraceExporter();
    expect(said).not.toEqual([]);
    expect(checkOtlpVariables(env)).toHaveLength(1);
  });
});
