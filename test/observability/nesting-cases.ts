import assert from "node:assert/strict";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { CollectedSpan } from "../e2e/cluster/collector.ts";
import { startServer } from "../e2e/cluster/process.ts";
import { demoFiles } from "../support/demo-repository.ts";
import { freePort } from "../support/free-port.ts";
import { createGitRepository } from "../support/git-repository.ts";
import { startGitServer } from "../support/git-server.ts";
import type { Case, World } from "./case.ts";
import { ancestry, EXAMPLES, runLab } from "./lab.ts";
import { tool } from "./stack.ts";

/** Once as the step's environment says, once over gRPC. */
const OTEL_CLI = (grpc: string): string => `apiVersion: argoproj.io/v1alpha1
kind: Workflow
metadata: { generateName: otel-cli- }
spec:
  entrypoint: trace
  templates:
    - name: trace
      container:
        image: an image with otel-cli
        command: [sh, -euc]
        args:
          - |
            otel-cli exec --service ci --name outer -- otel-cli exec --service ci --name inner -- true
            otel-cli exec --service ci --name over-grpc --protocol grpc --endpoint ${grpc} -- true
`;

const STEP = ["runMainContainer", "createWorkflowPod", "node", "workflow"];
const ARRIVES_MS = 30_000;

/** Programs of others that trace themselves, in the user's container. */
export const NESTING_CASES: readonly Case[] = [
  {
    name: "otel-cli",
    shows: "spans of otel-cli in a step hang below runMainContainer",
    async run(world) {
      const { stack, directory } = world;
      const file = join(directory, "otel-cli.yaml");
      writeFileSync(file, OTEL_CLI(stack.grpc));
      const { exitCode, stdout, stderr } = await runStep(world, file, "otel-cli", {});
      assert.equal(exitCode, 0, stdout + stderr);
      const spans = await arrived(world, ["workflow", "inner", "outer", "over-grpc"], "inner");
      const below = (name: string): string[] =>
        ancestry(
          spans,
          spans.find((span) => span.name === name),
        );
      assert.deepEqual(below("inner"), ["inner", "outer", ...STEP]);
      assert.deepEqual(below("over-grpc"), ["over-grpc", ...STEP]);
      return below("inner").join(" < ");
    },
  },
  {
    name: "buildctl",
    shows: "examples/ci-image.yaml builds an image, and the build's steps hang below runMainContainer",
    async run(world) {
      await using repository = await createGitRepository();
      await repository.commit("Spin", demoFiles(EXAMPLES));
      await using server = await startGitServer(repository.path);
      const daemon = await startBuildKit(world);
      try {
        const parameters = { repo: `${server.url}/.git`, buildkit: daemon.address, base: "scratch" };
        const file = join(EXAMPLES, "ci-image.yaml");
        const { exitCode, stdout, stderr, summary } = await runStep(world, file, "ci-image", parameters);
        assert.equal(exitCode, 0, stdout + stderr);
        const { outputs } = summary.nodes.find(({ template }) => template === "image") ?? {};
        assert.match(outputs?.parameters?.[0]?.value ?? "", /"containerimage.digest": "sha256:[0-9a-f]{64}"/);
        assert.deepEqual(
          outputs?.artifacts?.map(({ name }) => name),
          ["image"],
        );
      } finally {
        await daemon.stop();
      }
      const spans = await arrived(world, ["workflow", "build", "COPY packages"], "build");
      const copy = spans.find(({ name }) => name.includes("COPY packages"));
      const chain = ancestry(spans, copy);
      assert.deepEqual(chain.slice(chain.indexOf("build")), ["build", ...STEP]);
      const below = spans.filter((span) => ancestry(spans, span).includes("build"));
      return `${below.length} spans of the build`;
    },
  },
];

function runStep(
  { stack, directory, signal }: World,
  file: string,
  name: string,
  parameters: Readonly<Record<string, string>>,
): ReturnType<typeof runLab> {
  const programs = join(directory, "bin");
  mkdirSync(programs, { recursive: true });
  for (const program of ["otel-cli", "buildctl"]) cpSync(tool(program), join(programs, program));
  return runLab(file, {
    directory: join(directory, name),
    parameters,
    export: { endpoint: stack.http, protocol: "http/protobuf" },
    collector: stack.http,
    programs,
    signal,
  });
}

/**
 * Waits for the spans of one trace: the newest that has one of the name given. Of the others a part of the name is enough.
 *
 * @throws Error with what is there when some never come
 */
async function arrived(
  { stack, signal }: World,
  names: readonly string[],
  marker: string,
): Promise<CollectedSpan[]> {
  const deadline = Date.now() + ARRIVES_MS;
  let spans: CollectedSpan[] = [];
  while (Date.now() < deadline) {
    const all = stack.spans();
    const traceId = all.findLast(({ name }) => name === marker)?.traceId;
    spans = all.filter((span) => span.traceId === traceId);
    if (names.every((name) => spans.some((span) => span.name.includes(name)))) return spans;
    await delay(200, undefined, { signal });
  }
  throw new Error(`only these have come: ${spans.map(({ name }) => name).join(", ")}`);
}

/** A daemon that needs no registry: the image is made from nothing but the checkout. */
async function startBuildKit({
  directory,
  stack,
}: World): Promise<{ address: string; stop(): Promise<void> }> {
  const root = join(directory, "buildkit");
  mkdirSync(root);
  const address = `tcp://127.0.0.1:${await freePort()}`;
  const port = Number(address.split(":").at(-1));
  const config = join(root, "buildkitd.toml");
  // What is found there would be the machine's.
  writeFileSync(config, "");
  const server = await startServer({
    argv: [
      tool("buildkitd"),
      ...[`--config=${config}`, `--root=${join(root, "state")}`, `--addr=${address}`],
      ...["--containerd-worker=false", "--oci-worker-snapshotter=native", "--oci-worker-binary=runc"],
    ],
    env: { OTEL_EXPORTER_OTLP_ENDPOINT: stack.http, OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf" },
    log: join(root, "buildkitd.log"),
    isReady: () => canConnect(port),
  });
  return { address, stop: () => server.stop() };
}

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}
