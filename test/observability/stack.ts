import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type CollectedSpan, readSpans } from "../e2e/cluster/collector.ts";
import { startServer } from "../e2e/cluster/process.ts";
import { freePort } from "../support/free-port.ts";
import { type Jaeger, startJaeger } from "./jaeger.ts";
import { type Prometheus, startPrometheus } from "./prometheus.ts";
import { DEPLOY, RULES } from "./queries.ts";

export const TOOLS = join(import.meta.dirname, "../../.tools/bin");

/** What deploy/observability describes, as programs of this machine. */
export interface Stack extends AsyncDisposable {
  /** Endpoints of the collector with the shipped configuration. */
  grpc: string;
  http: string;
  /** What its file exporter has written. */
  tracesFile: string;
  /** The same, read. */
  spans(): CollectedSpan[];
  /** Where the collector sends traces: in Tempo's place, which takes the same protocol. */
  jaeger: Jaeger;
  prometheus: Prometheus;
  logs: string;
}

/** @throws Error when a program was not built, or does not start */
export async function startStack(directory: string): Promise<Stack> {
  await using started = new AsyncDisposableStack();
  const parts = { jaeger: join(directory, "jaeger"), prometheus: join(directory, "prometheus") };
  for (const part of Object.values(parts)) mkdirSync(part, { recursive: true });
  const jaeger = started.use(await startJaeger({ program: tool("jaeger"), directory: parts.jaeger }));
  const [grpc, http, metrics, health, own] = [
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  const tracesFile = join(directory, "traces.jsonl");
  const server = await startServer({
    argv: [
      tool("otelcol"),
      ...["collector.yaml", "collector-file.yaml"].flatMap((file) => ["--config", join(DEPLOY, file)]),
    ],
    env: {
      OTLP_GRPC_ENDPOINT: `127.0.0.1:${grpc}`,
      OTLP_HTTP_ENDPOINT: `127.0.0.1:${http}`,
      PROMETHEUS_ENDPOINT: `127.0.0.1:${metrics}`,
      HEALTH_ENDPOINT: `127.0.0.1:${health}`,
      OWN_METRICS_PORT: `${own}`,
      TEMPO_ENDPOINT: jaeger.otlp,
      TRACES_FILE: tracesFile,
    },
    log: join(directory, "collector.log"),
    isReady: async () => (await fetch(`http://127.0.0.1:${health}`)).ok,
  });
  started.defer(() => server.stop());
  const prometheus = started.use(
    await startPrometheus({
      program: tool("prometheus"),
      directory: parts.prometheus,
      scraped: `127.0.0.1:${metrics}`,
      rules: RULES,
    }),
  );
  const owned = started.move();
  return {
    grpc: `http://127.0.0.1:${grpc}`,
    http: `http://127.0.0.1:${http}`,
    tracesFile,
    spans: () => readSpans(tracesFile),
    jaeger,
    prometheus,
    logs: directory,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** A program that scripts/observability/tools.sh builds. */
export function tool(name: string): string {
  const program = join(TOOLS, name);
  if (!existsSync(program)) throw new Error(`${program} is not there: run \`make e2e-observability\``);
  return program;
}
