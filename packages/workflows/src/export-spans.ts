import type { Environment, LogFields, Logger } from "@skein/contract";
import { createTracing, type OtlpSpan } from "@skein/telemetry";

/** Spans on their way to a collector, a file, or both. */
export interface SpanExport {
  emit(spans: readonly OtlpSpan[]): void;
  /** @returns whether all that was emitted has arrived */
  close(): Promise<boolean>;
}

export interface SpanExportOptions {
  /** `OTEL_*`; the exporters read the same from `process.env`. */
  env: Environment;
  /** A file that gets the spans as OTLP JSON lines. */
  out?: string | undefined;
  namespace: string;
  version: string;
  log: Logger;
}

const SERVICE_NAME = "workflow-controller";
const SHUTDOWN_MS = 30_000;

/**
 * @returns `undefined` when there is nowhere to send them
 * @throws ConfigError when the protocol is unknown
 */
export async function openSpanExport(options: SpanExportOptions): Promise<SpanExport | undefined> {
  const { env, out, namespace, version } = options;
  const hasEndpoint =
    env.OTEL_TRACES_EXPORTER !== "none" &&
    (env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT) !== undefined;
  if (!hasEndpoint && !out) return undefined;
  let isLost = false;
  const warn = (message: string, fields?: LogFields): void => {
    isLost = true;
    options.log.warn(message, fields);
  };
  const tracing = await createTracing({
    env: {
      ...env,
      // Whoever runs the command wants the spans, whatever the programs of this shell are told.
      SKEIN_TRACE: "phases",
      OTEL_SDK_DISABLED: undefined,
      SKEIN_TRACE_FILE: out,
      OTEL_SERVICE_NAME: env.OTEL_SERVICE_NAME || SERVICE_NAME,
    },
    resource: { version, namespace },
    samplesAll: true,
    log: { ...options.log, info: () => {}, warn },
  });
  return {
    emit: (spans) => tracing.emit(spans),
    async close() {
      await tracing.shutdown(SHUTDOWN_MS);
      return !isLost;
    },
  };
}
