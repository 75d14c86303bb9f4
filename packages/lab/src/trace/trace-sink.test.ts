import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import protobuf from "protobufjs";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { listenOnLoopback, readBody } from "../servers/listen.ts";
import { createTelemetryRelay } from "./relay.ts";
import { openTraceFile, type TraceFile } from "./trace-file.ts";
import { startTraceSink, type TraceSink } from "./trace-sink.ts";

/** Written down apart from the sink's own schema: field numbers from opentelemetry-proto. */
const Message = protobuf
  .parse(`syntax = "proto3";
message Request { repeated R resource_spans = 1; } message R { repeated S scope_spans = 2; } message S { repeated Span spans = 2; }
message Span {
  bytes trace_id = 1; bytes span_id = 2; bytes parent_span_id = 4; string name = 5; int32 kind = 6;
  fixed64 start_time_unix_nano = 7; repeated KV attributes = 9; repeated E events = 11;
}
message E { fixed64 time_unix_nano = 1; string name = 2; }
message KV { string key = 1; V value = 2; } message V { oneof value { string string_value = 1; int64 int_value = 3; double double_value = 4; } }
`)
  .root.lookupType("Request");

const TRACE_ID = "0123456789abcdef0123456789abcdef";

function protobufRequest(): Uint8Array {
  const span = {
    traceId: Buffer.from(TRACE_ID, "hex"),
    spanId: Buffer.from("00112233445566ff", "hex"),
    name: "loadArtifact",
    kind: 1,
    startTimeUnixNano: "1795388699470000001",
    attributes: [
      { key: "argo.artifact.bytes", value: { intValue: "9007199254740993" } },
      { key: "argo.artifact.time.network", value: { doubleValue: 0.25 } },
    ],
    events: [{ name: "download file", timeUnixNano: "1795388699470000002" }],
  };
  return Message.encode(
    Message.fromObject({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] }),
  ).finish();
}

let directory: string;
let file: TraceFile;
let sink: TraceSink;
beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "lab-trace-"));
  file = await openTraceFile(join(directory, "trace.jsonl"));
  sink = await startTraceSink(file, undefined);
});
afterEach(async () => {
  await sink.close();
  rmSync(directory, { recursive: true });
});

function post(
  body: Uint8Array | string,
  headers: Record<string, string>,
  path = "/v1/traces",
): Promise<Response> {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  return fetch(sink.url + path, { method: "POST", headers, body: Uint8Array.from(bytes) });
}

async function lines(): Promise<unknown[]> {
  await file.close();
  const text = readFileSync(join(directory, "trace.jsonl"), "utf8");
  return text
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}

describe("startTraceSink", () => {
  it("writes protobuf as OTLP's JSON: ids in hexadecimal, 64-bit numbers exact", async () => {
    const response = await post(protobufRequest(), { "content-type": "application/x-protobuf" });
    expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
    expect(await lines()).toEqual([
      {
        resourceSpans: [
          {
            scopeSpans: [
              {
                spans: [
                  {
                    traceId: TRACE_ID,
                    spanId: "00112233445566ff",
                    name: "loadArtifact",
                    kind: 1,
                    startTimeUnixNano: "1795388699470000001",
                    attributes: [
                      { key: "argo.artifact.bytes", value: { intValue: "9007199254740993" } },
                      { key: "argo.artifact.time.network", value: { doubleValue: 0.25 } },
                    ],
                    events: [{ name: "download file", timeUnixNano: "1795388699470000002" }],
                  },
                ],
              },
            ],
          },
        ],
      },
    ]);
  });

  it("takes JSON as it comes, one line per request, and compressed bodies", async () => {
    const request = JSON.stringify({ resourceSpans: [{ scopeSpans: [] }] }, undefined, 2);
    const response = await post(request, { "content-type": "application/json; charset=utf-8" });
    expect(await response.json()).toEqual({});
    const headers = { "content-type": "application/x-protobuf", "content-encoding": "gzip" };
    expect((await post(gzipSync(protobufRequest()), headers)).status).toBe(200);
    expect(await lines()).toHaveLength(2);
  });

  it("answers 400 to what is no trace, and writes nothing", async () => {
    expect((await post("{}", { "content-type": "application/json" })).status).toBe(400);
    expect((await post("not protobuf", { "content-type": "application/x-protobuf" })).status).toBe(400);
    expect(await lines()).toEqual([]);
  });

  it("does not trouble programs that also send metrics", async () => {
    expect((await post("{}", { "content-type": "application/json" }, "/v1/metrics")).status).toBe(200);
    expect(await lines()).toEqual([]);
  });
});

describe("createTelemetryRelay", () => {
  it("passes everything on to the collector of the caller's environment, with its headers", async () => {
    const got: { url: string | undefined; key: string | undefined; body: string }[] = [];
    const collector = await listenOnLoopback(async (request, response) => {
      const body = (await readBody(request, 1e6))?.toString() ?? "";
      got.push({ url: request.url, key: request.headers["x-key"] as string | undefined, body });
      response.end();
    });
    const relay = createTelemetryRelay({
      OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
    });
    relay?.send("traces", Buffer.from("{}"), "application/json");
    relay?.send("metrics", Buffer.from("[]"), "application/json");
    expect(await relay?.drain(5_000)).toEqual({ sent: 2, lost: 0, lastError: undefined });
    expect(got.sort((a, b) => (a.body < b.body ? 1 : -1))).toEqual([
      { url: "/v1/traces", key: "a b", body: "{}" },
      { url: "/v1/metrics", key: "a b", body: "[]" },
    ]);
    await collector.close();
  });

  it("gives up on a collector that does not answer, and says what was lost", async () => {
    const collector = await listenOnLoopback(() => new Promise(() => undefined));
    const relay = createTelemetryRelay({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    for (let count = 0; count < 40; count += 1) relay?.send("traces", Buffer.from("{}"), "application/json");
    const began = performance.now();
    expect(await relay?.drain(50)).toMatchObject({ sent: 0, lost: 40 });
    expect(performance.now() - began).toBeLessThan(2_000);
    await collector.close();
  });

  it("passes no metrics on to a collector that was named for traces only", async () => {
    const collector = await listenOnLoopback((_request, response) => Promise.resolve(void response.end()));
    const relay = createTelemetryRelay({
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/v1/traces`,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    relay?.send("metrics", Buffer.from("{}"), "application/json");
    relay?.send("traces", Buffer.from("{}"), "application/json");
    expect(await relay?.drain(5_000)).toMatchObject({ sent: 1, lost: 0 });
    await collector.close();
  });

  it("is not there without an endpoint, or with one that speaks gRPC", () => {
    expect(createTelemetryRelay({})).toBeUndefined();
    expect(createTelemetryRelay({ OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317" })).toBeUndefined();
    expect(
      createTelemetryRelay({
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4317",
        OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
      }),
    ).toBeUndefined();
  });
});
