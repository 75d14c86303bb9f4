import type { Environment } from "@skein/contract";

/** Whether metrics are wanted: there is an endpoint that is not only the traces', and nobody has said no. */
export function wantsMetrics(env: Environment): boolean {
  const endpoint = env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT ?? env.OTEL_EXPORTER_OTLP_ENDPOINT;
  return endpoint !== undefined && env.OTEL_METRICS_EXPORTER !== "none";
}
