import { describe, expect, it } from "vitest";
import { settingsForMain } from "./hand-over.ts";

const ENDPOINT = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317" };

describe("settingsForMain", () => {
  it("hands over where and how to send, with the protocol by name, and nothing that may be secret", () => {
    const env = {
      ...ENDPOINT,
      SKEIN_TRACE_TO_MAIN: "true",
      OTEL_EXPORTER_OTLP_HEADERS: "authorization=Bearer key",
      OTEL_EXPORTER_OTLP_CERTIFICATE: "/ca.pem",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
      OTEL_SERVICE_NAME: "argoexec",
    };
    expect(settingsForMain(env)).toEqual({
      ...ENDPOINT,
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    });
  });

  it("uses the names for traces only when the endpoint is for traces only", () => {
    const env = {
      SKEIN_TRACE_TO_MAIN: "true",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
    };
    expect(settingsForMain(env)).toEqual({
      OTEL_TRACES_EXPORTER: "otlp",
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces",
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/protobuf",
    });
  });

  it.each([
    ["nobody asks for it", ENDPOINT],
    ["there is no collector", { SKEIN_TRACE_TO_MAIN: "true" }],
    [
      "the executor does not send either",
      { ...ENDPOINT, SKEIN_TRACE_TO_MAIN: "true", OTEL_TRACES_EXPORTER: "none" },
    ],
  ])("hands over nothing when %s", (_what, env) => {
    expect(settingsForMain(env)).toEqual({});
  });
});
