import type { Environment } from "@skein/contract";

/** What a request for export is about. Logs are not among them: nothing of an executor sends any. */
export type Signal = "traces" | "metrics";

/** Passes on what the lab receives. Never fails the run, and never holds it up for long. */
export interface TelemetryRelay {
  send(signal: Signal, body: Uint8Array, contentType: string): void;
  /** Waits for what is under way, at most `timeoutMs`; what has not arrived by then is given up. */
  drain(timeoutMs: number): Promise<{ sent: number; lost: number; lastError: string | undefined }>;
}

const REQUEST_TIMEOUT_MS = 2_000;
/** A collector that is down must not make the lab hold a whole trace in memory. */
const MAX_UNDER_WAY = 32;

/** A relay to the collector the caller's own environment names, if it names one that speaks HTTP. */
export function createTelemetryRelay(env: Environment): TelemetryRelay | undefined {
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL ?? env.OTEL_EXPORTER_OTLP_PROTOCOL ?? "";
  const endpoints: Record<Signal, string | undefined> = {
    traces: endpointOf("traces", env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, env),
    metrics: endpointOf("metrics", env.OTEL_EXPORTER_OTLP_METRICS_ENDPOINT, env),
  };
  if (endpoints.traces === undefined || !protocol.startsWith("http/")) return undefined;
  const headers = parseHeaders(env.OTEL_EXPORTER_OTLP_TRACES_HEADERS ?? env.OTEL_EXPORTER_OTLP_HEADERS ?? "");
  const underWay = new Set<Promise<void>>();
  const giveUp = new AbortController();
  const count = { sent: 0, lost: 0, lastError: undefined as string | undefined };
  const post = async (endpoint: string, body: Uint8Array, contentType: string): Promise<void> => {
    try {
      const signal = AbortSignal.any([giveUp.signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]);
      const response = await fetch(endpoint, {
        method: "POST",
        headers: { ...headers, "content-type": contentType },
        body: Uint8Array.from(body),
        signal,
      });
      await response.arrayBuffer();
      if (!response.ok) throw new Error(`HTTP ${response.status}`);
      count.sent += 1;
    } catch (error) {
      // Told once, at the end: a trace that is lost is no reason to lose the run.
      count.lost += 1;
      count.lastError = error instanceof Error ? causeOf(error) : String(error);
    }
  };
  return {
    send: (signal, body, contentType) => {
      const endpoint = endpoints[signal];
      // As an executor has it: who names a collector for traces only gets no metrics.
      if (endpoint === undefined) return;
      if (underWay.size >= MAX_UNDER_WAY) {
        count.lost += 1;
        return;
      }
      const request = post(endpoint, body, contentType).finally(() => underWay.delete(request));
      underWay.add(request);
    },
    drain: async (timeoutMs) => {
      const timer = setTimeout(() => giveUp.abort(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
      await Promise.all(underWay);
      clearTimeout(timer);
      return { ...count };
    },
  };
}

function endpointOf(signal: Signal, own: string | undefined, env: Environment): string | undefined {
  const general = env.OTEL_EXPORTER_OTLP_ENDPOINT;
  const endpoint = own || (general ? `${general.replace(/\/$/, "")}/v1/${signal}` : undefined);
  return endpoint !== undefined && URL.canParse(endpoint) ? endpoint : undefined;
}

/** `key=value,key=value`, percent-encoded: https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
function parseHeaders(text: string): Record<string, string> {
  const pairs = text.split(",").map((pair) => pair.split("=", 2));
  return Object.fromEntries(
    pairs
      .filter(([key, value]) => key && value)
      .map(([key = "", value = ""]) => [key.trim(), decodeURIComponent(value.trim())]),
  );
}

function causeOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
