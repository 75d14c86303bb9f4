import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  refusingUrl,
  startGrpcReceiver,
  startHttpReceiver,
  startSilentServer,
} from "./otlp-receiver.fixture.ts";

const FIXTURE = fileURLToPath(new URL("./shutdown.fixture.ts", import.meta.url));
/** The 2 s of the promise and what a timer may be late on a busy machine. */
const SHUTDOWN_LIMIT_MS = 2_300;
/** Eight programs start at once, perhaps on a busy machine; the limit is against those that never end. */
const START_AND_EXIT_MS = 25_000;

const directory = mkdtempSync(join(tmpdir(), "skein-shutdown-"));
const program = join(directory, "fixture.mjs");

// In one file, as an executor has it: the SDK's hundreds of files would take most of the time of the tests.
beforeAll(async () => {
  await build({
    entryPoints: [FIXTURE],
    outfile: program,
    bundle: true,
    platform: "node",
    format: "esm",
    banner: {
      js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
    },
    logLevel: "warning",
  });
});
afterAll(() => rmSync(directory, { recursive: true }));

async function traceOnce(env: Record<string, string>): Promise<{ level: string; shutdownMs: number }> {
  // The time limit of the process is what shows that nothing keeps it alive.
  const { stdout } = await promisify(execFile)(process.execPath, [program], {
    env: { PATH: process.env.PATH, ...env },
    timeout: SHUTDOWN_LIMIT_MS + START_AND_EXIT_MS,
  });
  return JSON.parse(stdout) as { level: string; shutdownMs: number };
}

describe.concurrent("shutdown", () => {
  it.concurrent.each(["http/protobuf", "http/json", "grpc"])(
    "gives a collector that never answers no more than two seconds, and the process ends (%s)",
    async (protocol) => {
      await using silent = await startSilentServer();
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: silent.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
      const { level, shutdownMs } = await traceOnce(env);
      expect(level).toBe("artifacts");
      expect(silent.connections).toBeGreaterThan(0);
      expect(shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
    },
    40_000,
  );

  it.concurrent.each(["http/protobuf", "grpc"])(
    "gives a TLS handshake that never ends no more than two seconds (%s)",
    async (protocol) => {
      await using silent = await startSilentServer();
      const url = silent.url.replace("http:", "https:");
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
      expect((await traceOnce(env)).shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
      expect(silent.connections).toBeGreaterThan(0);
    },
    40_000,
  );

  it.concurrent.each(["http/protobuf", "grpc"])(
    "gives up on a collector that refuses connections (%s)",
    async (protocol) => {
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: await refusingUrl(), OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
      expect((await traceOnce(env)).shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
    },
    40_000,
  );

  it.concurrent.each(["http/protobuf", "grpc"])(
    "gives a collector that takes traces and never answers metrics no more than two seconds (%s)",
    async (protocol) => {
      const start = protocol === "grpc" ? startGrpcReceiver : startHttpReceiver;
      await using receiver = await start({ metrics: "ignore" });
      const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
      const { shutdownMs } = await traceOnce(env);
      expect(shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
      expect(receiver.requests).toHaveLength(1);
      expect(receiver.metrics).toBe(1);
    },
    40_000,
  );

  it.concurrent("gives a collector that is too busy no more than two seconds, however often it is asked again", async () => {
    await using receiver = await startHttpReceiver({ status: 503 });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" };
    expect((await traceOnce(env)).shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
    expect(receiver.requests.length).toBeGreaterThan(0);
  }, 40_000);

  it.concurrent("waits for a collector that is slow, as long as the time lasts", async () => {
    await using receiver = await startHttpReceiver({ delayMs: 700 });
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" };
    const { shutdownMs } = await traceOnce(env);
    expect(shutdownMs).toBeGreaterThan(600);
    expect(shutdownMs).toBeLessThan(SHUTDOWN_LIMIT_MS);
  }, 40_000);

  it.concurrent("delivers before the process ends, although its connection is kept alive", async () => {
    await using receiver = await startHttpReceiver();
    await traceOnce({
      OTEL_EXPORTER_OTLP_ENDPOINT: receiver.url,
      OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
    });
    expect(receiver.requests).toHaveLength(1);
  });
});
