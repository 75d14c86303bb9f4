import type { Environment } from "@skein/contract";
import { parseOtlpTarget } from "./otlp-exporter.ts";

/** What a program needs to know of a collector. No headers, which may hold keys, and no files of the executor's image. */
const HANDED_OVER = ["COMPRESSION", "INSECURE", "TIMEOUT"];

/**
 * Settings by which an OpenTelemetry SDK in the user's container sends its spans where the executor sends its own:
 * where `SKEIN_TRACE_TO_MAIN` is `true` and there is a collector. The wrapper sets those that the container does not set itself.
 */
export function settingsForMain(env: Environment): Record<string, string> {
  if (env.SKEIN_TRACE_TO_MAIN?.toLowerCase() !== "true") return {};
  const target = parseOtlpTarget(env);
  if (!target || target.endpoint === "") return {};
  const ofTraces = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT !== undefined;
  const more = HANDED_OVER.flatMap((name) =>
    ["OTEL_EXPORTER_OTLP_", "OTEL_EXPORTER_OTLP_TRACES_"].map((prefix) => prefix + name),
  );
  return {
    OTEL_TRACES_EXPORTER: "otlp",
    [`OTEL_EXPORTER_OTLP_${ofTraces ? "TRACES_" : ""}ENDPOINT`]: target.endpoint,
    // SDKs have another default than the executor.
    [`OTEL_EXPORTER_OTLP_${ofTraces ? "TRACES_" : ""}PROTOCOL`]: target.protocol,
    ...Object.fromEntries(more.flatMap((name) => (env[name] ? [[name, env[name]]] : []))),
  };
}
