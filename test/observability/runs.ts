import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { promisify } from "node:util";
import { METRICS } from "@skein/telemetry";
import type { World } from "./case.ts";
import { EXAMPLES, type OtlpProtocol, runLab, skein, writeWorkflowObjects } from "./lab.ts";

const STALLING = (url: string): string => `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { generateName: stalling- }
spec:
  entrypoint: load
  templates:
    - name: load
      inputs:
        artifacts:
          - { name: thread, path: /tmp/thread, http: { url: "${url}" } }
      container: { image: alpine, command: [cat, /tmp/thread] }
`;

/** `skein run` of an example. */
export function runExample(
  { stack, directory, signal }: World,
  example: string,
  protocol: OtlpProtocol,
  parameters: Readonly<Record<string, string>>,
): ReturnType<typeof runLab> {
  return runLab(join(EXAMPLES, example), {
    directory: join(directory, protocol.replace("/", "-")),
    parameters,
    export: { endpoint: protocol === "grpc" ? stack.grpc : stack.http, protocol },
    collector: stack.http,
    signal,
  });
}

/** `skein trace`, with the objects that a controller would have kept of the run. */
export async function traceWorkflow(
  { stack, directory, signal }: World,
  summary: Parameters<typeof writeWorkflowObjects>[1],
  protocol: OtlpProtocol,
): Promise<void> {
  const file = join(directory, `${summary.name}.json`);
  writeWorkflowObjects(file, summary);
  const env = {
    OTEL_EXPORTER_OTLP_ENDPOINT: protocol === "grpc" ? stack.grpc : stack.http,
    OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  };
  const { exitCode, stderr } = await skein(["trace", file], { env, signal });
  assert.equal(exitCode, 0, stderr);
}

/** A workflow whose input comes from a server that begins to answer and then says nothing. */
export async function runStalling({ stack, directory, signal }: World): Promise<void> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-length": "1000000" });
    response.write("one thread");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const file = join(directory, "stalling.yaml");
    writeFileSync(file, STALLING(`http://127.0.0.1:${(server.address() as AddressInfo).port}/thread`));
    const { exitCode } = await runLab(file, {
      directory: join(directory, "stalling"),
      export: { endpoint: stack.grpc, protocol: "grpc" },
      executorEnv: { SKEIN_STALL_TIMEOUT_SECONDS: "1", EXECUTOR_RETRY_BACKOFF_STEPS: "1" },
      collector: stack.http,
      signal,
    });
    assert.equal(exitCode, 1);
  } finally {
    server.closeAllConnections();
    await promisify(server.close.bind(server))();
  }
}

/** Sends what a container reports at its end that has counted one error. Seconds before now. */
export async function reportError(endpoint: string, startedAgo: number, endedAgo: number): Promise<void> {
  const now = BigInt(Date.now()) * 1_000_000n;
  const ago = (seconds: number): string => `${now - BigInt(seconds) * 1_000_000_000n}`;
  const text = (key: string, stringValue: string) => ({ key, value: { stringValue } });
  const point = {
    attributes: [text("argo.artifact.direction", "load"), text("argo.artifact.driver", "s3")],
    startTimeUnixNano: ago(startedAgo),
    timeUnixNano: ago(endedAgo),
    asInt: "1",
  };
  const { name, unit, brief: description } = METRICS.transferErrors;
  const metric = {
    name,
    unit,
    description,
    sum: { isMonotonic: true, aggregationTemporality: 1, dataPoints: [point] },
  };
  const resource = {
    attributes: [text("service.name", "argoexec"), text("k8s.namespace.name", "overlap")],
  };
  const response = await fetch(`${endpoint}/v1/metrics`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      resourceMetrics: [{ resource, scopeMetrics: [{ scope: { name: "argoexec" }, metrics: [metric] }] }],
    }),
  });
  assert.ok(response.ok, await response.text());
}
