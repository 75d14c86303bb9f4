import { SpanStatusCode } from "@opentelemetry/api";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  AggregationTemporality,
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from "@opentelemetry/sdk-metrics";
import type { ReadableSpan, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Environment, Logger } from "@skein/contract";
import { errorMessage } from "@skein/contract";
import { ATTR } from "./attribute-names.ts";
import { DURATION_BOUNDS_SECONDS, METRICS, SIZE_BOUNDS_BYTES } from "./metric-names.ts";
import type { OtlpProtocol } from "./otlp-exporter.ts";
import { SERVICE_NAME } from "./resource.ts";

/** Only the end of the container sends: it lives for seconds, or does nothing for hours. */
const NEVER_MS = 2 ** 31 - 1;

/** What a metric's resource keeps of a span's: what many pods have in common. */
const KEPT_RESOURCE = [ATTR.serviceName, ATTR.serviceVersion, ATTR.k8sNamespace] as const;

export interface SpanMetricsOptions {
  protocol: OtlpProtocol;
  /** Milliseconds an export may take. */
  timeoutMs: number;
  env: Environment;
  resource: Readonly<Record<string, string>>;
  version: string;
  log: Logger | undefined;
}

export interface SpanMetrics {
  /** Sees every span that ends, whichever process it ended in. */
  processor: SpanProcessor;
  /** Sends what was counted. Never throws. */
  shutdown(): Promise<void>;
}

/**
 * Counts spans as they end. The temporality is delta unless `OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE` says
 * otherwise: each container is a new process, whose totals would begin at 0 again and again.
 */
export async function createSpanMetrics(options: SpanMetricsOptions): Promise<SpanMetrics> {
  const kept = KEPT_RESOURCE.map((key) => [key, options.resource[key]]).filter(
    ([, value]) => value !== undefined,
  );
  const reader = new PeriodicExportingMetricReader({
    exporter: quietly(await createExporter(options), options.log),
    exportIntervalMillis: NEVER_MS,
    exportTimeoutMillis: options.timeoutMs,
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes(Object.fromEntries(kept)),
    readers: [reader],
  });
  const record = createRecorder(provider, options.version);
  return {
    processor: {
      onStart: () => {},
      onEnd: record,
      forceFlush: async () => {},
      shutdown: async () => {},
    },
    shutdown: () => provider.shutdown({ timeoutMillis: options.timeoutMs }).catch(() => {}),
  };
}

function createRecorder(provider: MeterProvider, version: string): (span: ReadableSpan) => void {
  const meter = provider.getMeter(SERVICE_NAME, version);
  const { transferDuration, transferSize, transferErrors, systemErrors } = METRICS;
  const options = (metric: { brief: string; unit: string }, bounds?: number[]) => ({
    description: metric.brief,
    unit: metric.unit,
    ...(bounds && { advice: { explicitBucketBoundaries: bounds } }),
  });
  const duration = meter.createHistogram(
    transferDuration.name,
    options(transferDuration, DURATION_BOUNDS_SECONDS),
  );
  const size = meter.createHistogram(transferSize.name, options(transferSize, SIZE_BOUNDS_BYTES));
  const errors = meter.createCounter(transferErrors.name, options(transferErrors));
  const failures = meter.createCounter(systemErrors.name, options(systemErrors));
  return (span) => {
    const isFailed = span.status.code === SpanStatusCode.ERROR;
    if (span.name === "loadArtifact" || span.name === "saveArtifact") {
      const own = { [ATTR.artifactDirection]: span.name === "loadArtifact" ? "load" : "save" };
      const [seconds, nanoseconds] = span.duration;
      duration.record(seconds + nanoseconds / 1e9, pick(span, transferDuration.attributes, own));
      if (isFailed) errors.add(1, pick(span, transferErrors.attributes, own));
      else
        size.record(
          Number(span.attributes[ATTR.artifactBytes] ?? 0),
          pick(span, transferSize.attributes, own),
        );
    } else if (isFailed && /^run(Init|Wait|Supervisor)Container$/.test(span.name)) {
      failures.add(1, pick(span, systemErrors.attributes, { [ATTR.cicdComponent]: "agent" }));
    }
  };
}

function pick(
  { attributes }: ReadableSpan,
  keys: readonly string[],
  own: Readonly<Record<string, string>>,
): Record<string, string> {
  const all = keys.map((key) => [key, own[key] ?? attributes[key]] as const);
  return Object.fromEntries(
    all.filter((pair): pair is [string, string] => typeof pair[1] === "string" && pair[1] !== ""),
  );
}

async function createExporter({ protocol, timeoutMs, env }: SpanMetricsOptions): Promise<PushMetricExporter> {
  const isAsked = Boolean(env.OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE);
  const options = {
    timeoutMillis: timeoutMs,
    ...(isAsked ? {} : { temporalityPreference: AggregationTemporality.DELTA }),
  };
  switch (protocol) {
    case "grpc": {
      const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-grpc");
      return new OTLPMetricExporter(options);
    }
    case "http/json": {
      const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-http");
      return new OTLPMetricExporter(options);
    }
    case "http/protobuf": {
      const { OTLPMetricExporter } = await import("@opentelemetry/exporter-metrics-otlp-proto");
      return new OTLPMetricExporter(options);
    }
  }
}

/** A collector that takes traces only is no fault: said at level info, and no more. */
function quietly(exporter: PushMetricExporter, log: Logger | undefined): PushMetricExporter {
  const { selectAggregation, selectAggregationTemporality } = exporter;
  return {
    export: (metrics, done) =>
      exporter.export(metrics, (result) => {
        if (result.code !== 0) {
          log?.info("metrics were not exported", {
            error: result.error ? errorMessage(result.error) : "unknown",
          });
        }
        done({ code: 0 });
      }),
    forceFlush: () => exporter.forceFlush(),
    shutdown: () => exporter.shutdown(),
    ...(selectAggregation && { selectAggregation: selectAggregation.bind(exporter) }),
    ...(selectAggregationTemporality && {
      selectAggregationTemporality: selectAggregationTemporality.bind(exporter),
    }),
  };
}
