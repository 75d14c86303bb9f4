import { afterEach, describe, expect, it, vi } from "vitest";
import { askCollector } from "./ask-collector.ts";
import {
  refusingUrl,
  startGrpcReceiver,
  startHttpReceiver,
  startSilentServer,
} from "./otlp-receiver.fixture.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The SDK reads the environment of its process. */
function ask(env: Record<string, string>) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return askCollector(env);
}

describe("askCollector", () => {
  it("asks nobody where no collector is configured", async () => {
    expect(await ask({})).toBeUndefined();
  });

  it.each(["http/protobuf", "http/json"])("is answered by a receiver of %s", async (protocol) => {
    await using receiver = await startHttpReceiver();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
    expect(await ask(env)).toEqual({
      protocol,
      endpoint: receiver.url,
      problem: undefined,
      answersTo: undefined,
    });
    expect(receiver.requests).toHaveLength(1);
  });

  it("is answered by a receiver of gRPC, the default", async () => {
    await using receiver = await startGrpcReceiver();
    expect(await ask({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url })).toMatchObject({
      protocol: "grpc",
      problem: undefined,
    });
    expect(receiver.requests).toHaveLength(1);
  });

  it("finds the protocol that is spoken where another one is configured", async () => {
    await using http = await startHttpReceiver();
    expect(await ask({ OTEL_EXPORTER_OTLP_ENDPOINT: http.url })).toMatchObject({
      protocol: "grpc",
      problem: expect.any(String),
      answersTo: "http/protobuf",
    });
    await using grpc = await startGrpcReceiver();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: grpc.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" };
    expect(await ask(env)).toMatchObject({ protocol: "http/protobuf", answersTo: "grpc" });
  });

  it("waits for a collector that accepts and never answers no longer than an export may take, twice", async () => {
    await using silent = await startSilentServer();
    const startedAt = performance.now();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: silent.url, OTEL_EXPORTER_OTLP_TIMEOUT: "200" };
    expect(await ask(env)).toMatchObject({ problem: expect.any(String), answersTo: undefined });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(silent.connections).toBeGreaterThan(0);
  });

  it("says that nobody listens, and never what stands in an address besides it", async () => {
    const url = await refusingUrl();
    const secret = url.replace("//", "//user:canary-password@");
    const answer = await ask({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${secret}?key=canary-key`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    expect(answer).toMatchObject({ endpoint: url, problem: expect.stringContaining("ECONNREFUSED") });
    expect(JSON.stringify(answer)).not.toContain("canary");
  });

  it("tells of an endpoint that is no URL as of any other problem", async () => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "not a url", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    expect(await ask(env)).toMatchObject({ endpoint: "not a url", problem: "Invalid URL" });
  });
});
