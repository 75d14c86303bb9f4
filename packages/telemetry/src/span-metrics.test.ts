import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { ArtifactError, createLogger } from "@skein/contract";
import { afterEach, describe, expect, it, vi } from "vitest";
import { createTracing } from "./create-tracing.ts";
import { startGrpcReceiver } from "./otlp-receiver.fixture.ts";
import type { Tracing } from "./tracing.ts";

interface MetricsJson {
  resourceMetrics: {
    resource: { attributes: { key: string; value: { stringValue: string } }[] };
    scopeMetrics: { metrics: MetricJson[] }[];
  }[];
}

interface MetricJson {
  name: string;
  unit: string;
  sum?: { aggregationTemporality: number; dataPoints: PointJson[] };
  histogram?: { aggregationTemporality: number; dataPoints: PointJson[] };
}

interface PointJson {
  attributes: { key: string; value: { stringValue: string } }[];
  sum?: number;
  count?: string;
  asDouble?: number;
  asInt?: number;
}

afterEach(() => {
  vi.unstubAllEnvs();
});

async function startCollector() {
  const requests: { path: string; contentType: string; body: Buffer }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push({
      path: request.url ?? "",
      contentType: request.headers["content-type"] ?? "",
      body: Buffer.concat(chunks),
    });
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    metrics: () => requests.filter(({ path }) => path === "/v1/metrics"),
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function traceTo(env: Record<string, string>, log: string[] = []): Promise<Tracing> {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
  return createTracing({
    env,
    resource: { version: "0.1.0", namespace: "argo", podName: "hello-1", containerName: "wait" },
    log: createLogger({ write: (line) => log.push(line), level: "info", format: "text" }),
  });
}

/** A load that succeeds, a save that fails, and with it the container. */
async function work(tracing: Tracing): Promise<void> {
  await tracing
    .withSpan("runSupervisorContainer", {}, async () => {
      await tracing.withSpan("loadArtifact", {}, (span) => {
        span.setAttributes({
          "argo.artifact.driver": "s3",
          "argo.artifact.archive": "tar",
          "argo.artifact.bytes": 4_000_000,
          "argo.artifact.bound_by": "network",
          "argo.artifact.name": "model",
        });
      });
      await tracing.withSpan("saveArtifact", { attributes: { "argo.artifact.driver": "s3" } }, () => {
        throw new ArtifactError("no", { code: "s3.access_denied" });
      });
    })
    .catch(() => {});
  await tracing.shutdown();
}

function points(metric: MetricJson | undefined): Record<string, unknown>[] {
  return (
    (metric?.sum ?? metric?.histogram)?.dataPoints.map((point) => ({
      ...Object.fromEntries(point.attributes.map(({ key, value }) => [key, value.stringValue])),
      value: point.count === undefined ? (point.asDouble ?? point.asInt) : Number(point.count),
    })) ?? []
  );
}

describe("metrics", () => {
  it.each([
    ["http/json", "application/json"],
    ["statsd", "application/x-protobuf"], // no protocol of theirs: no reason to end a container
  ])("go by OTEL_EXPORTER_OTLP_METRICS_PROTOCOL=%s as %s, beside spans by another", async (own, type) => {
    await using collector = await startCollector();
    const tracing = await traceTo({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: own,
    });
    await work(tracing);
    await tracing.shutdown();
    expect(collector.metrics().map(({ contentType }) => contentType)).toEqual([type]);
  });

  it("are counted from the spans, by direction, driver and outcome, without names of pods or artifacts", async () => {
    await using collector = await startCollector();
    await work(
      await traceTo({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }),
    );
    const [request] = collector.metrics();
    const { resourceMetrics } = JSON.parse(request?.body.toString() ?? "{}") as MetricsJson;
    expect(resourceMetrics[0]?.resource.attributes.map(({ key }) => key).sort()).toEqual([
      "k8s.namespace.name",
      "service.name",
      "service.version",
    ]);
    const metrics = new Map(
      resourceMetrics[0]?.scopeMetrics[0]?.metrics.map((metric) => [metric.name, metric]),
    );
    const load = {
      "argo.artifact.direction": "load",
      "argo.artifact.driver": "s3",
      "argo.artifact.archive": "tar",
    };
    const save = {
      "argo.artifact.direction": "save",
      "argo.artifact.driver": "s3",
      "error.type": "s3.access_denied",
    };
    expect(points(metrics.get("argo.artifact.transfer.duration"))).toEqual([
      { ...load, "argo.artifact.bound_by": "network", value: 1 },
      { ...save, value: 1 },
    ]);
    expect(points(metrics.get("argo.artifact.transfer.size"))).toEqual([{ ...load, value: 1 }]);
    expect(metrics.get("argo.artifact.transfer.size")?.histogram?.dataPoints[0]?.sum).toBe(4_000_000);
    expect(points(metrics.get("argo.artifact.transfer.errors"))).toEqual([{ ...save, value: 1 }]);
    expect(points(metrics.get("cicd.system.errors"))).toEqual([
      { "cicd.system.component": "agent", "error.type": "s3.access_denied", value: 1 },
    ]);
    const delta = 1;
    expect(metrics.get("argo.artifact.transfer.duration")?.histogram?.aggregationTemporality).toBe(delta);
  });

  it("go out as protobuf where that is the protocol", async () => {
    await using collector = await startCollector();
    await work(
      await traceTo({
        OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      }),
    );
    const [request] = collector.metrics();
    expect(request?.contentType).toBe("application/x-protobuf");
    expect(request?.body.toString("latin1")).toContain("argo.artifact.transfer.duration");
  });

  it("are no fault of a collector that takes traces only", async () => {
    await using receiver = await startGrpcReceiver();
    const log: string[] = [];
    await work(await traceTo({ OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url }, log));
    expect(receiver.requests).toHaveLength(1);
    expect(log.join("")).toMatch(/level=INFO msg="metrics were not exported"/);
    expect(log.join("")).not.toContain("level=WARN");
  });

  it.each([
    ["OTEL_METRICS_EXPORTER=none", { OTEL_METRICS_EXPORTER: "none" }, "OTEL_EXPORTER_OTLP_ENDPOINT"],
    ["an endpoint for traces only", {}, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"],
  ])("are not sent with %s", async (_what, more, endpoint) => {
    await using collector = await startCollector();
    await work(
      await traceTo({ ...more, [endpoint]: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/json" }),
    );
    expect(collector.metrics()).toEqual([]);
  });

  it("are not sent when nothing was moved and nothing failed", async () => {
    await using collector = await startCollector();
    const tracing = await traceTo({
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
    });
    await tracing.withSpan("runInitContainer", {}, () => {});
    await tracing.shutdown();
    expect(collector.metrics()).toEqual([]);
  });
});
