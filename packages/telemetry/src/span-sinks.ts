import type { SpanExporter, SpanProcessor } from "@opentelemetry/sdk-trace-base";
import { BatchSpanProcessor, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base";
import type { Environment, Logger, SpanLine } from "@skein/contract";
import { errorMessage } from "@skein/contract";
import { createFileSink } from "./file-sink.ts";
import { createJournalSink } from "./journal-sink.ts";
import type { OtlpTarget } from "./otlp-exporter.ts";
import { createOtlpExporter, exportTimeoutMs, metricsProtocol } from "./otlp-exporter.ts";
import type { OtlpTraceRequest } from "./otlp-span.ts";
import { toTraceRequest } from "./span-codec.ts";
import type { SpanMetrics } from "./span-metrics.ts";
import { type SocketTracker, trackSockets } from "./track-sockets.ts";
import { wantsMetrics } from "./wants-metrics.ts";

/** Spans wait here for their export. A day of progress reports is re-exported at once, hence not the SDK's 2,048. */
const MAX_QUEUED_SPANS = 65_536;

/** Where ended spans go, and how that is brought to an end. */
export interface SpanPipeline {
  processors: SpanProcessor[];
  /** Never throws; takes no longer than the time given. */
  shutdown(timeoutMs: number): Promise<void>;
}

export function createJournalPipeline(append: (line: SpanLine) => void, log?: Logger): SpanPipeline {
  const processor = new SimpleSpanProcessor(reportingFailure("journal", createJournalSink(append), log));
  return { processors: [processor], shutdown: (timeoutMs) => settle([processor.shutdown()], timeoutMs) };
}

export interface ExportPipelineOptions {
  target: OtlpTarget | undefined;
  file: string | undefined;
  fileDelayMs: number;
  env: Environment;
  resource: Readonly<Record<string, string>>;
  version: string;
  log: Logger | undefined;
  collect: ((spans: OtlpTraceRequest) => void) | undefined;
}

/** Sends spans and metrics to the collector, appends spans to the file, or both. */
export async function createExportPipeline(options: ExportPipelineOptions): Promise<SpanPipeline> {
  const { target, file, fileDelayMs, env, log } = options;
  const queue = env.OTEL_BSP_MAX_QUEUE_SIZE ? {} : { maxQueueSize: MAX_QUEUED_SPANS };
  const processors: SpanProcessor[] = [];
  const shutdowns: (() => Promise<void>)[] = [];
  const add = (processor: SpanProcessor, shutdown = () => processor.shutdown()): void => {
    processors.push(processor);
    shutdowns.push(shutdown);
  };
  const sockets = target && trackSockets();
  if (file) {
    const sink = reportingFailure(`file ${file}`, createFileSink(file), log);
    add(new BatchSpanProcessor(sink, { ...queue, scheduledDelayMillis: fileDelayMs }));
  }
  if (options.collect) add(new SimpleSpanProcessor(createCollector(options.collect)));
  if (target && sockets) {
    const endpoint = withoutCredentials(target.endpoint);
    log?.info("Starting OTLP tracing exporter", { protocol: target.protocol, endpoint });
    const otlp = await createOtlpExporter(target.protocol, env);
    const sink = reportingFailure(`${target.protocol} ${endpoint}`, otlp, log);
    const batches = new BatchSpanProcessor(tracked(sink, sockets), queue);
    add(batches);
    const metrics = await loadMetrics(options, target);
    if (metrics) add(metrics.processor, () => sockets.run(() => metrics.shutdown()));
  }
  return {
    processors,
    async shutdown(timeoutMs) {
      await settle(
        shutdowns.map((shutdown) => shutdown()),
        timeoutMs,
      );
      sockets?.destroy();
    },
  };
}

async function loadMetrics(
  options: ExportPipelineOptions,
  { protocol }: OtlpTarget,
): Promise<SpanMetrics | undefined> {
  const { env, resource, version, log } = options;
  if (!wantsMetrics(env)) return undefined;
  const { createSpanMetrics } = await import("./span-metrics.ts");
  return createSpanMetrics({
    protocol: metricsProtocol(env, protocol),
    timeoutMs: exportTimeoutMs(env, "METRICS"),
    ...{ env, resource, version, log },
  });
}

function createCollector(collect: (spans: OtlpTraceRequest) => void): SpanExporter {
  return {
    export(spans, done) {
      collect(toTraceRequest(spans));
      done({ code: 0 });
    },
    shutdown: async () => {},
  };
}

function tracked(exporter: SpanExporter, sockets: SocketTracker): SpanExporter {
  return { ...exporter, export: (spans, done) => sockets.run(() => exporter.export(spans, done)) };
}

/** Waits for all, however they end, but not longer than the time given. */
async function settle(work: Promise<unknown>[], timeoutMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutMs);
  });
  await Promise.race([Promise.allSettled(work), timeout]);
  clearTimeout(timer);
}

/** Logs the first failure of an exporter; the SDK would keep it to itself. */
function reportingFailure(name: string, exporter: SpanExporter, log: Logger | undefined): SpanExporter {
  let isReported = false;
  return {
    export: (spans, done) =>
      exporter.export(spans, (result) => {
        if (result.code !== 0 && !isReported) {
          isReported = true;
          const error = result.error ? errorMessage(result.error) : "unknown";
          log?.warn("trace was not exported", { sink: name, spans: spans.length, error });
        }
        done(result);
      }),
    shutdown: () => exporter.shutdown(),
    ...(exporter.forceFlush ? { forceFlush: () => exporter.forceFlush?.() ?? Promise.resolve() } : {}),
  };
}

/** An endpoint fit for a log: without user and password, and without a query that may hold a key. */
function withoutCredentials(endpoint: string): string {
  return endpoint.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "");
}
