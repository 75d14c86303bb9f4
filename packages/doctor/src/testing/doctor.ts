import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createPaths, type Environment } from "@skein/contract";
import { onTestFinished } from "vitest";
import type { S3Server } from "../../../../test/support/s3-server.ts";
import type { Finding } from "../check.ts";
import { runDoctor } from "../run-doctor.ts";
import type { TestCluster } from "./cluster.ts";

export interface Examined {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** By id; empty unless the findings were asked for as JSON. */
  checks: Record<
    string,
    Finding & { evidence: string; reason: string; fix: { say: string; copy?: string[] } }
  >;
}

export interface ExamineOptions {
  env?: Environment;
  /** Files below the root, by their paths there. */
  files?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
  columns?: number;
}

/** Runs the command on a machine of its own: ROOT, in arguments and variables, is its file system's. */
export async function examine(args: readonly string[], options: ExamineOptions = {}): Promise<Examined> {
  const root = await mkdtemp(join(tmpdir(), "skein-doctor-"));
  onTestFinished(() => rm(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(options.files ?? {})) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  const written = { stdout: "", stderr: "" };
  const rooted = (env: Environment): Environment =>
    Object.fromEntries(Object.entries(env).map(([name, value]) => [name, value?.replace("ROOT", root)]));
  const exitCode = await runDoctor(
    args.map((arg) => arg.replace("ROOT", root)),
    {
      stdout: (text) => {
        written.stdout += text;
      },
      stderr: (text) => {
        written.stderr += text;
      },
      text: { columns: options.columns ?? 100, color: false },
      env: { PATH: process.env.PATH, HOME: root, ...rooted(options.env ?? {}) },
      paths: createPaths(root),
      version: "1.2.3",
      umask: 0o022,
      command: "skein doctor",
      signal: options.signal ?? new AbortController().signal,
    },
  );
  const report = written.stdout.startsWith("{")
    ? (JSON.parse(written.stdout) as { checks: (Examined["checks"][string] & { id: string })[] })
    : { checks: [] };
  return {
    exitCode,
    ...written,
    checks: Object.fromEntries(report.checks.map((check) => [check.id, check])),
  };
}

/** Files of a pod that the controller has made, with keys for the store. */
export function podFiles(
  cluster: Pick<TestCluster, "kubeconfig">,
  server: Pick<S3Server, "accessKey" | "secretKey">,
): Record<string, string> {
  return {
    kubeconfig: cluster.kubeconfig,
    "argo/secret/s3/access": server.accessKey,
    "argo/secret/s3/secret": server.secretKey,
    "var/run/argo/.keep": "",
  };
}

/** The environment of a pod whose template has the store for its repository. */
export function podEnvironment(s3: object, more: Environment = {}): Environment {
  const archiveLocation = { s3: { ...SECRETS, insecure: true, key: "wf/pod", ...s3 } };
  return {
    KUBERNETES_SERVICE_HOST: "127.0.0.1",
    KUBERNETES_SERVICE_PORT: "1",
    // The test's API server speaks plain HTTP, as no pod's does.
    KUBECONFIG: "ROOT/kubeconfig",
    ARGO_TEMPLATE: JSON.stringify({ name: "t", archiveLocation }),
    ...more,
  };
}

const SECRETS = {
  accessKeySecret: { name: "s3", key: "access" },
  secretKeySecret: { name: "s3", key: "secret" },
};
