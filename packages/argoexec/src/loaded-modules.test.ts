import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Paths } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { startS3Server } from "../../../test/support/s3-server.ts";
import { startTaskResultApi, type TaskResultApi } from "../../../test/support/task-result-api.ts";
import { createTestHost, put } from "./test-support.ts";

const FIXTURE = join(import.meta.dirname, "loaded-modules.fixture.ts");

/** What an act does not need it does not load: start-up is most of the CPU time of a small pod. */
async function modulesOf(
  argv: string[],
  template: object,
  api?: TaskResultApi,
  prepare: (paths: Paths) => Promise<unknown> = async () => {},
): Promise<string[]> {
  const { env, paths, root } = await createTestHost(argv, { ARGO_TEMPLATE: JSON.stringify(template) });
  env.KUBERNETES_SERVICE_HOST = "127.0.0.1";
  env.KUBERNETES_SERVICE_PORT = String(api?.port);
  await put(join(paths.serviceAccount, "token"), api?.token);
  await put(join(paths.serviceAccount, "ca.crt"), api?.ca);
  await mkdir(paths.shared, { recursive: true });
  await put(paths.stdout("main"), "");
  await prepare(paths);
  const { stdout } = await promisify(execFile)(process.execPath, [FIXTURE, root, ...argv], {
    env: env as NodeJS.ProcessEnv,
  });
  return stdout.trim().split("\n");
}

const SDK = /@aws-sdk|@smithy/;
const INSPECTION = /artifacts\/src\/(s3\/|git\/(inspect|known-hosts))/;
const ARTIFACTS = /packages\/(artifacts|archive)\//;
const KUBERNETES = /packages\/kubernetes\/|node:https?$/;
const TRACING_SDK = /@opentelemetry\//;
const DOCTOR = /packages\/doctor\/|\/yaml\//;

describe("argoexec init", () => {
  it("without artifacts loads neither S3 nor archives, Kubernetes nor the tracing SDK", async () => {
    const modules = await modulesOf(["init"], { script: { source: "echo" } });
    expect(modules).not.toHaveLength(0);
    for (const unwanted of [SDK, ARTIFACTS, KUBERNETES, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });

  it("with an artifact that is not in S3 loads no S3", async () => {
    const inputs = { artifacts: [{ name: "a", path: "/a", raw: { data: "x" } }] };
    const modules = await modulesOf(["init"], { container: {}, inputs });
    expect(modules.some((module) => ARTIFACTS.test(module))).toBe(true);
    for (const unwanted of [SDK, INSPECTION, KUBERNETES, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });
});

describe("argoexec wait finish", () => {
  it("without artifacts loads Kubernetes and nothing that moves artifacts", async () => {
    await using api = await startTaskResultApi();
    const modules = await modulesOf(["wait", "finish"], { container: {} }, api);
    expect(modules.some((module) => KUBERNETES.test(module))).toBe(true);
    for (const unwanted of [SDK, ARTIFACTS, TRACING_SDK, DOCTOR]) {
      expect(modules.filter((module) => unwanted.test(module))).toEqual([]);
    }
  });
});

describe("artifacts in S3", () => {
  it("are saved in parts, found, and loaded again without the SDK", async () => {
    await using s3 = await startS3Server();
    await using api = await startTaskResultApi();
    const keys = async (paths: Paths): Promise<void> => {
      await put(paths.secret("cred", "accesskey"), s3.accessKey);
      await put(paths.secret("cred", "secretkey"), s3.secretKey);
    };
    const template = {
      container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
      archiveLocation: {
        s3: {
          endpoint: s3.endpoint,
          bucket: s3.bucket,
          insecure: true,
          accessKeySecret: { name: "cred", key: "accesskey" },
          secretKeySecret: { name: "cred", key: "secretkey" },
          key: "wf/pod",
        },
      },
    };
    const archive = { none: {} };
    const outputs = { artifacts: [{ name: "large", path: "/work", archive }] };
    const saving = await modulesOf(["wait", "finish"], { ...template, outputs }, api, async (paths) => {
      await keys(paths);
      await put(join(paths.mainContainerRoot, "work/large"), Buffer.alloc(20 * 1024 * 1024));
      await put(join(paths.mainContainerRoot, "work/small"), "small");
    });
    const inputs = { artifacts: [{ name: "dir", path: "/dir", archive, s3: { key: "wf/pod/work" } }] };
    const loading = await modulesOf(["init"], { ...template, inputs }, undefined, keys);
    for (const modules of [saving, loading]) {
      expect(modules.some((module) => module.includes("/s3/direct-object-store.ts"))).toBe(true);
      expect(modules.filter((module) => SDK.test(module))).toEqual([]);
    }
  });
});
