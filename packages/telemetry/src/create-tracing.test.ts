import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArtifactError, type SpanLine } from "@skein/contract";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { TracingOptions } from "./create-tracing.ts";
import { createTracing } from "./create-tracing.ts";
import { createFileEventRecorder } from "./file-event-recorder.ts";
import { decodeAttributes } from "./otlp-attributes.ts";
import { spansOf, startGrpcReceiver, startHttpReceiver } from "./otlp-receiver.fixture.ts";
import type { OtlpSpan, OtlpTraceRequest } from "./otlp-span.ts";
import type { ParentContext } from "./tracing.ts";

const PARENT: ParentContext = {
  traceId: "0af7651916cd43dd8448eb211c80319c",
  spanId: "b7ad6b7169203331",
  traceFlags: 1,
  traceState: "workflow=argo/hello",
};
const FACTS = { version: "0.1.0", namespace: "argo", podName: "hello-1", containerName: "wait" };

/** The SDK's exporters read `process.env`, so the variables are set there and handed in. */
function tracingWith(env: Record<string, string>, more: Partial<TracingOptions> = {}) {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return createTracing({ env, parent: PARENT, resource: FACTS, ...more });
}

async function traceFile(): Promise<
  { path: string; lines(): Promise<OtlpTraceRequest[]> } & AsyncDisposable
> {
  const directory = await mkdtemp(join(tmpdir(), "telemetry-"));
  const path = join(directory, "trace.jsonl");
  return {
    path,
    lines: async () =>
      (await readFile(path, "utf8"))
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line) as OtlpTraceRequest),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true }),
  };
}

function byName(spans: OtlpSpan[], name: string): OtlpSpan {
  const span = spans.find((candidate) => candidate.name === name);
  if (!span) throw new Error(`no span ${name} among ${spans.map((each) => each.name).join(", ")}`);
  return span;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe.each([
  { protocol: "http/protobuf", start: startHttpReceiver, path: "/v1/traces" },
  { protocol: "http/json", start: startHttpReceiver, path: "/v1/traces" },
  {
    protocol: "grpc",
    start: startGrpcReceiver,
    path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
  },
])("createTracing with $protocol", ({ protocol, start, path }) => {
  it("delivers spans, parents, attributes, events and the resource to a receiver", async () => {
    await using receiver = await start();
    const tracing = await tracingWith({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: "x-tenant=blue",
    });
    await tracing.withSpan("loadArtifacts", {}, async (outer) => {
      outer.addEvent("download artifact", { file: "source", "error.type": undefined });
      await tracing.withSpan("loadArtifact", { attributes: { "argo.artifact.bytes": 12 } }, async () => {});
    });
    await tracing.shutdown();

    expect(receiver.requests.map((request) => request.path)).toEqual([path]);
    expect(receiver.requests[0]?.headers["x-tenant"]).toBe("blue");
    const body = receiver.requests[0]?.body as OtlpTraceRequest;
    const resource = decodeAttributes(body.resourceSpans[0]?.resource.attributes);
    expect(resource).toMatchObject({ "service.name": "argoexec", "k8s.pod.name": "hello-1" });
    expect(body.resourceSpans[0]?.scopeSpans[0]?.scope.name).toBe("argoexec");
    const spans = spansOf([body]);
    const outer = byName(spans, "loadArtifacts");
    const inner = byName(spans, "loadArtifact");
    expect(outer).toMatchObject({ traceId: PARENT.traceId, parentSpanId: PARENT.spanId, kind: 1 });
    expect(outer.traceState).toBe("workflow=argo/hello");
    expect(outer.events?.map((event) => event.name)).toEqual(["download artifact"]);
    expect(outer.events?.[0]?.attributes?.map((attribute) => attribute.key)).toEqual(["file"]);
    expect(inner).toMatchObject({ traceId: PARENT.traceId, parentSpanId: outer.spanId });
    expect(decodeAttributes(inner.attributes)).toEqual({ "argo.artifact.bytes": 12 });
  });
});

describe("createTracing", () => {
  it("speaks gRPC when no protocol is set, as upstream does", async () => {
    await using receiver = await startGrpcReceiver();
    const tracing = await tracingWith({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: receiver.url });
    await tracing.withSpan("stageFiles", {}, async () => {});
    await tracing.shutdown();
    expect(spansOf(receiver.requests.map((request) => request.body))).toHaveLength(1);
  });

  it("compresses when the standard variable says so", async () => {
    await using receiver = await startHttpReceiver();
    const tracing = await tracingWith({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_COMPRESSION: "gzip",
    });
    await tracing.withSpan("stageFiles", {}, async () => {});
    await tracing.shutdown();
    expect(receiver.requests[0]?.headers["content-encoding"]).toBe("gzip");
    expect(spansOf(receiver.requests.map((request) => request.body))).toHaveLength(1);
  });

  it("refuses an unknown protocol with exit code 1, naming it", async () => {
    const tracing = tracingWith({ OTEL_EXPORTER_OTLP_ENDPOINT: "", OTEL_EXPORTER_OTLP_PROTOCOL: "thrift" });
    await expect(tracing).rejects.toMatchObject({
      exitCode: 1,
      message: expect.stringContaining('"thrift"'),
    });
  });

  it.each([
    ["there is nowhere to put spans", {}],
    ["the level is off", { SKEIN_TRACE_FILE: "/dev/null", SKEIN_TRACE: "off" }],
    ["the SDK is disabled", { SKEIN_TRACE_FILE: "/dev/null", OTEL_SDK_DISABLED: "true" }],
    [
      "the exporter is none",
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_EXPORTER: "none" },
    ],
  ])("records nothing and hands the context on when %s", async (_case, env) => {
    const tracing = await tracingWith(env);
    const child: Record<string, string | undefined> = {};
    await tracing.withSpan("loadArtifact", {}, async (span) => {
      expect(span.isRecording).toBe(false);
      tracing.inject(child);
    });
    expect(tracing.level).toBe("off");
    expect(child.TRACEPARENT).toBe(`00-${PARENT.traceId}-${PARENT.spanId}-01`);
  });

  it("leaves an unsampled trace alone unless a level is asked for by name", async () => {
    await using file = await traceFile();
    const parent = { ...PARENT, traceFlags: 0 };
    const env = { SKEIN_TRACE_FILE: file.path };
    const quiet = await tracingWith(env, { parent });
    expect(quiet.level).toBe("off");

    const asked = await tracingWith(env, { parent, annotation: "files" });
    await asked.withSpan("stageFiles", {}, async (span) => expect(span.context.traceFlags).toBe(1));
    asked.emit([{ ...EMITTED, flags: 0 }]);
    await asked.shutdown();
    expect(asked.level).toBe("files");
    expect(spansOf(await file.lines()).map((span) => span.name)).toEqual(["stageFiles", "runMainContainer"]);
  });

  it("honours the standard sampler, for spans made elsewhere too", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path, OTEL_TRACES_SAMPLER: "always_off" });
    await tracing.withSpan("stageFiles", {}, async () => {});
    tracing.emit([EMITTED]);
    await tracing.shutdown();
    await expect(file.lines()).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("writes to the file and to the collector when both are set", async () => {
    await using file = await traceFile();
    await using receiver = await startHttpReceiver();
    const tracing = await tracingWith({
      SKEIN_TRACE_FILE: file.path,
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    await tracing.withSpan("stageFiles", {}, async () => {});
    await tracing.shutdown();
    expect(spansOf(await file.lines())[0]?.spanId).toBe(
      spansOf(receiver.requests.map((request) => request.body))[0]?.spanId,
    );
  });

  it("lets a failing trace file cost one warning and nothing else", async () => {
    const warnings: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (message: string) => warnings.push(message),
      with: () => log,
    };
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: "/nowhere/at/all/trace.jsonl" }, { log });
    await expect(tracing.withSpan("stageFiles", {}, async () => 42)).resolves.toBe(42);
    await tracing.shutdown();
    expect(warnings).toEqual(["trace was not exported"]);
  });
});

describe("the trace file", () => {
  it("has the collector's form: hex ids, integers as strings, doubles as numbers, events, status", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    const attributes = {
      "argo.artifact.bytes": 9_007_199_254,
      "argo.artifact.time.disk": 2,
      "argo.artifact.name": "source",
      "argo.containers": ["main"],
    };
    const work = tracing.withSpan("loadArtifact", { attributes }, async (span) => {
      span.addEvent("retry", { "argo.retry.delay": 0.5 });
      throw new ArtifactError("no object s3://b/k", { code: "s3.no_such_key", remedy: "check the key" });
    });
    await expect(work).rejects.toThrow("no object");
    await tracing.shutdown();

    const [request] = await file.lines();
    const [span] = spansOf(request ? [request] : []);
    expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
    expect(span?.startTimeUnixNano).toMatch(/^\d{19}$/);
    expect(span?.attributes).toEqual([
      { key: "argo.artifact.bytes", value: { intValue: "9007199254" } },
      { key: "argo.artifact.time.disk", value: { doubleValue: 2 } },
      { key: "argo.artifact.name", value: { stringValue: "source" } },
      { key: "argo.containers", value: { arrayValue: { values: [{ stringValue: "main" }] } } },
      { key: "error.type", value: { stringValue: "s3.no_such_key" } },
      { key: "argo.error.remedy", value: { stringValue: "check the key" } },
    ]);
    expect(span?.status).toEqual({ code: 2, message: "no object s3://b/k" });
    expect(span?.events?.map((event) => event.name)).toEqual(["retry", "exception"]);
    expect(decodeAttributes(span?.events?.[1]?.attributes)).toMatchObject({
      "exception.type": "ArtifactError",
      "exception.message": "no object s3://b/k",
    });
  });
});

describe("withSpan", () => {
  it("gives every span an error passes through its status, and the exception event to the innermost only", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    const thrown = Object.assign(new Error("disk is full"), { code: "ENOSPC" });
    const work = tracing.withSpan("loadArtifacts", {}, () =>
      tracing.withSpan("loadArtifact", {}, () => Promise.reject(thrown)),
    );
    await expect(work).rejects.toBe(thrown);
    await tracing.shutdown();
    const spans = spansOf(await file.lines());
    for (const span of spans) {
      expect(span.status).toEqual({ code: 2, message: "disk is full" });
      expect(decodeAttributes(span.attributes)["error.type"]).toBe("ENOSPC");
    }
    expect(byName(spans, "loadArtifact").events).toHaveLength(1);
    expect(byName(spans, "loadArtifacts").events).toHaveLength(0);
  });

  it("keeps concurrent siblings apart", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    await tracing.withSpan("loadArtifacts", {}, () =>
      Promise.all(
        ["a", "b"].map((name) =>
          tracing.withSpan("loadArtifact", { attributes: { "argo.artifact.name": name } }, async () => {
            await Promise.resolve();
            await tracing.withSpan("unarchiveArtifact", { attributes: { path: name } }, async () => {});
          }),
        ),
      ),
    );
    await tracing.shutdown();
    const spans = spansOf(await file.lines());
    const parents = new Map(
      spans.map((span) => [span.spanId, decodeAttributes(span.attributes)["argo.artifact.name"]]),
    );
    const unarchived = spans.filter((span) => span.name === "unarchiveArtifact");
    expect(unarchived).toHaveLength(2);
    for (const span of unarchived) {
      expect(parents.get(span.parentSpanId)).toBe(decodeAttributes(span.attributes).path);
    }
  });

  it("marks a span as failed whose work goes on", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    await tracing.withSpan("saveArtifacts", {}, async (span) =>
      span.recordError("two artifacts are missing"),
    );
    await tracing.shutdown();
    expect(spansOf(await file.lines())[0]?.status).toEqual({ code: 2, message: "two artifacts are missing" });
  });

  it("gives a child process the active span as its parent, with trace state and baggage", async () => {
    const tracing = await tracingWith(
      { SKEIN_TRACE_FILE: "/dev/null" },
      { parent: { ...PARENT, baggage: "team=blue" } },
    );
    const child: Record<string, string | undefined> = {};
    await tracing.withSpan("loadArtifact", {}, async (span) => {
      tracing.inject(child);
      expect(child).toEqual({
        TRACEPARENT: `00-${PARENT.traceId}-${span.context.spanId}-01`,
        TRACESTATE: "workflow=argo/hello",
        BAGGAGE: "team=blue",
      });
    });
    await tracing.shutdown();
  });
});

const EMITTED: OtlpSpan = {
  traceId: PARENT.traceId,
  spanId: "00f067aa0ba902b7",
  parentSpanId: PARENT.spanId,
  flags: 0x301,
  name: "runMainContainer",
  kind: 1,
  startTimeUnixNano: "1700000000000000001",
  endTimeUnixNano: "1700000001000000002",
  attributes: [{ key: "process.exit.code", value: { intValue: "3" } }],
  events: [{ timeUnixNano: "1700000000500000003", name: "process.end", attributes: [] }],
  links: [],
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
  status: { code: 2, message: "exit code 3" },
};

describe("the SDK's limits", () => {
  it("leave room for every event the budget lets through", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path }, { annotation: "files" });
    await tracing.withSpan("loadArtifact", {}, async (span) => {
      const recorder = createFileEventRecorder({ span, direction: "load", level: tracing.level });
      for (let index = 0; index < 5000; index += 1) {
        recorder.record({ file: `f${index}`, sizeBytes: 1, durationMs: 1 });
      }
      recorder.finish();
    });
    await tracing.shutdown();
    const [span] = spansOf(await file.lines());
    expect(span?.events).toHaveLength(1024);
    expect(span?.droppedEventsCount).toBe(0);
    expect(decodeAttributes(span?.attributes)).toEqual({ "argo.artifact.files.unlisted": 3976 });
    for (const event of span?.events ?? []) {
      expect(BigInt(event.timeUnixNano)).toBeGreaterThanOrEqual(BigInt(span?.startTimeUnixNano ?? 0));
      expect(BigInt(event.timeUnixNano)).toBeLessThanOrEqual(BigInt(span?.endTimeUnixNano ?? 0));
    }
  });
});

describe("emit", () => {
  it("exports a span of another process unchanged, under that container's resource", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    tracing.emit([EMITTED], { containerName: "main" });
    await tracing.shutdown();
    const [request] = await file.lines();
    expect(spansOf(request ? [request] : [])).toEqual([EMITTED]);
    expect(decodeAttributes(request?.resourceSpans[0]?.resource.attributes)).toMatchObject({
      "k8s.container.name": "main",
      "k8s.pod.name": "hello-1",
    });
  });

  it("takes what an act without export put into the journal", async () => {
    await using file = await traceFile();
    const lines: SpanLine[] = [];
    const env = { SKEIN_TRACE_FILE: file.path };
    const begin = await tracingWith(env, { journal: (line) => lines.push(line) });
    await begin.withSpan("createTaskResult", {}, async () => {});
    await begin.shutdown();
    await expect(file.lines()).rejects.toMatchObject({ code: "ENOENT" });
    expect(lines.map((line) => line.event)).toEqual(["span"]);

    const finish = await tracingWith(env);
    finish.emit(lines.map((line) => JSON.parse(JSON.stringify(line.span)) as OtlpSpan));
    await finish.shutdown();
    expect(spansOf(await file.lines())).toEqual([lines[0]?.span]);
  });

  it("loses none of three thousand spans handed over at once", async () => {
    await using file = await traceFile();
    const tracing = await tracingWith({ SKEIN_TRACE_FILE: file.path });
    const spans = Array.from({ length: 3000 }, (_, index) => ({
      ...EMITTED,
      spanId: (index + 1).toString(16).padStart(16, "0"),
    }));
    tracing.emit(spans);
    await tracing.shutdown();
    expect(new Set(spansOf(await file.lines()).map((span) => span.spanId)).size).toBe(3000);
  });
});
