import type { SpanExporter } from "@opentelemetry/sdk-trace-base";
import { type Environment, errorMessage } from "@skein/contract";
import { createOtlpExporter, type OtlpProtocol, PROTOCOLS, parseOtlpTarget } from "./otlp-exporter.ts";

/** What became of an export without spans. */
export interface CollectorAnswer {
  protocol: OtlpProtocol;
  /** As it is configured, without user, password and query; empty for the SDK's default address. */
  endpoint: string;
  /** In the exporter's words; undefined when the collector took the export. */
  problem: string | undefined;
  /** What was answered to instead, where the protocol that is configured was not. */
  answersTo: OtlpProtocol | undefined;
}

/**
 * Sends an export that holds nothing, as the exporters of a container would send theirs, and where that fails tries the
 * other protocols at the same address. Each try ends by itself within 1.8 s.
 *
 * @param env what `process.env` holds: the SDK reads headers and certificates there
 * @returns undefined when no collector is configured
 * @throws ConfigError when the protocol is unknown
 */
export async function askCollector(env: Environment): Promise<CollectorAnswer | undefined> {
  const target = parseOtlpTarget(env);
  if (target === undefined) return undefined;
  const { protocol } = target;
  const endpoint = target.endpoint.replace(/\/\/[^/@]*@/, "//").replace(/\?.*$/, "");
  const problem = await exportNothing(protocol, env);
  if (problem === undefined) return { protocol, endpoint, problem, answersTo: undefined };
  const others = PROTOCOLS.filter((other) => other !== protocol);
  const problems = await Promise.all(others.map((other) => exportNothing(other, env)));
  return { protocol, endpoint, problem, answersTo: others.find((_, index) => problems[index] === undefined) };
}

/** @returns why it was not taken */
async function exportNothing(protocol: OtlpProtocol, env: Environment): Promise<string | undefined> {
  const { trackSockets } = await import("./track-sockets.ts"); // for those who export, and ask nobody
  const sockets = trackSockets();
  let exporter: SpanExporter | undefined;
  try {
    const made = await createOtlpExporter(protocol, env); // throws where the endpoint is no URL
    exporter = made;
    return await sockets.run(() => outcome(made));
  } catch (error) {
    return errorMessage(error);
  } finally {
    // Its own end may wait for what does not come.
    void exporter?.shutdown().catch(() => {});
    sockets.destroy();
  }
}

function outcome(exporter: SpanExporter): Promise<string | undefined> {
  return new Promise((resolve) => {
    exporter.export([], ({ code, error }) =>
      resolve(code === 0 ? undefined : errorMessage(error ?? "unknown")),
    );
  });
}
