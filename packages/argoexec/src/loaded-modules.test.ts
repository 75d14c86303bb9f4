import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { startTaskResultApi, type TaskResultApi } from "../../../test/support/task-result-api.ts";
import { createTestHost, put } from "./test-support.ts";

const FIXTURE = join(import.meta.dirname, "loaded-modules.fixture.ts");

/** What an act does not need it does not load: start-up is most of the CPU time of a small pod. */
async function modulesOf(argv: string[], template: object, api?: TaskResultApi): Promise<string[]> {
  const { env, paths, root } = await createTestHost(argv, { ARGO_TEMPLATE: JSON.stringify(template) });
  env.KUBERNETES_SERVICE_HOST = "127.0.0.1";
  env.KUBERNETES_SERVICE_PORT = String(api?.port);
  await put(join(paths.serviceAccount, "token"), api?.token);
  await put(join(paths.serviceAccount, "ca.crt"), api?.ca);
  await mkdir(paths.shared, { recursive: true });
  await put(paths.stdout("main"), "");
  const { stdout } = await promisify(execFile)(process.execPath, [FIXTURE, root, ...argv], {
    env: env as NodeJS.ProcessEnv,
  });
  return stdout.trim().split("\n");
}

const S3 = /@aws-sdk|@smithy/;
const INSPECTION = /artifacts\/src\/(s3\/|git\/(inspect|known-hosts))/;
const ARTIFACTS = /packages\/(artifacts|archive)\//;
const KUBERNETES = /packages\/kubernetes\/|node:https?$/;
const TRACING_SDK = /@opentelemetry\//;
const DOCTOR = /packages\/doctor\/|\/yaml\//;

describe("argoexec init", () => {
  it("without artifacts loads neither S3 nor archives, Kubernetes nor the tracing SDK", async () => {
    const modules = await modulesOf(["init"], { script: { source: "echo" } });
    expect(modules).not.toHaveLength(0);
    for (const unwanted of [S3, ARTIFACTS, KUBERNETES, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });

  it("with an artifact that is not in S3 loads no S3", async () => {
    const inputs = { artifacts: [{ name: "a", path: "/a", raw: { data: "x" } }] };
    const modules = await modulesOf(["init"], { container: {}, inputs });
    expect(modules.some((module) => ARTIFACTS.test(module))).toBe(true);
    for (const unwanted of [S3, INSPECTION, KUBERNETES, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });
});

describe("argoexec wait finish", () => {
  it("without artifacts loads Kubernetes and nothing that moves artifacts", async () => {
    await using api = await startTaskResultApi();
    const modules = await modulesOf(["wait", "finish"], { container: {} }, api);
    expect(modules.some((module) => KUBERNETES.test(module))).toBe(true);
    for (const unwanted of [S3, ARTIFACTS, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });
});
