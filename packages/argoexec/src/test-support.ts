import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createPaths, type Environment } from "@skein/contract";
import { onTestFinished } from "vitest";
import type { Host } from "./host.ts";

export interface TestHost extends Host {
  env: Record<string, string | undefined>;
  root: string;
  written: { stdout: string; stderr: string };
  /** The records of a JSON log. */
  records(): Record<string, unknown>[];
  terminationMessage(): Promise<string | undefined>;
  /** Sends the signal to whoever listens. */
  terminate(signal: string): void;
  /** Throws where nobody catches. */
  crash(error: unknown): void;
}

/** A process whose file system hangs below a temporary directory. */
export async function createTestHost(argv: string[], env: Environment = {}): Promise<TestHost> {
  const root = await mkdtemp(join(tmpdir(), "skein-argoexec-"));
  onTestFinished(() => rm(root, { recursive: true, force: true, maxRetries: 5 }));
  const paths = createPaths(root);
  const written = { stdout: "", stderr: "" };
  const listeners: ((signal: string) => void)[] = [];
  const crashed = Promise.withResolvers<never>();
  crashed.promise.catch(() => {});
  await put(paths.terminationLog);
  const environment: Record<string, string | undefined> = {
    ARGO_POD_NAME: "pod",
    ARGO_CONTAINER_NAME: argv[0],
    ARGO_NODE_ID: "wf-1",
    ARGO_WORKFLOW_NAME: "wf",
    ARGO_WORKFLOW_UID: "1765cc30-0431-4a17-a34d-fd1178ec033f",
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_TEMPLATE: JSON.stringify({ name: "hello", container: {} }),
    SKEIN_FRONT: await put(join(root, "image/argoexec"), "the front"),
    HOME: root,
    ...env,
  };
  return {
    argv,
    env: environment,
    setEnv: (name, value) => {
      environment[name] = value;
    },
    paths,
    umask: 0o022,
    terminal: { columns: 100, color: false },
    root,
    written,
    stdout: (text) => {
      written.stdout += text;
    },
    stderr: (text) => {
      written.stderr += text;
    },
    onTermination: (listener) => listeners.push(listener),
    terminate: (signal) => {
      for (const listener of listeners) listener(signal);
    },
    crashed: crashed.promise,
    crash: crashed.reject,
    records: () =>
      written.stderr
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as Record<string, unknown>),
    terminationMessage: async () => (await readFile(paths.terminationLog, "utf8")) || undefined,
  };
}

export async function put(path: string, content: string | Uint8Array = ""): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

export interface ApiCall {
  method: string;
  path: string;
  authorization: string;
  body: unknown;
}

/** An API server that takes everything, or refuses with the status its owner chose. */
export async function startApi(): Promise<{ url: string; calls: ApiCall[]; refuse?: number }> {
  const api: { url: string; calls: ApiCall[]; refuse?: number } = { url: "", calls: [] };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    api.calls.push({
      method: request.method ?? "",
      path: request.url ?? "",
      authorization: request.headers.authorization ?? "",
      body: JSON.parse(Buffer.concat(chunks).toString() || "null"),
    });
    const refused = { kind: "Status", code: api.refuse, reason: "Forbidden", message: "it is forbidden" };
    response.writeHead(api.refuse ?? 200, { "content-type": "application/json" });
    response.end(JSON.stringify(api.refuse ? refused : {}));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return api;
}

/** Writes a kubeconfig for the API and gives the flag that names it. */
export async function kubeconfigFlag(url: string): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skein-argoexec-"));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "k", cluster: { server: url } }],
    users: [{ name: "u", user: { token: "canary-token" } }],
    contexts: [{ name: "c", context: { cluster: "k", user: "u", namespace: "argo" } }],
  };
  return `--kubeconfig=${await put(join(directory, "config"), JSON.stringify(config))}`;
}
