import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "./loopback-certificate.ts";

type Json = Record<string, unknown>;

/** What an API server keeps of a WorkflowTaskResult. */
export interface StoredResult extends Json {
  metadata: { name: string; labels: Record<string, string> };
  outputs?: { parameters?: Json[]; artifacts?: Json[]; result?: string };
  progress?: string;
}

export interface ApiRequest {
  method: string;
  path: string;
  body: Json;
}

/** An answer instead of the one the server would give. */
export interface Refusal {
  status: number;
  reason: string;
  message: string;
}

/** An API server over TLS, as a pod sees it, that knows WorkflowTaskResults: create and merge-patch. */
export interface TaskResultApi extends AsyncDisposable {
  port: number;
  /** The only bearer token that is let in. */
  token: string;
  /** PEM of the certificate authority. */
  ca: string;
  results: Map<string, StoredResult>;
  requests: ApiRequest[];
  /** Asked before every answer; something else than `undefined` is the answer. */
  refuse?: (request: ApiRequest) => Refusal | undefined;
}

export async function startTaskResultApi(): Promise<TaskResultApi> {
  const server = createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE });
  const api: TaskResultApi = {
    port: 0,
    token: "canary-service-account-token",
    ca: LOOPBACK_CERTIFICATE,
    results: new Map(),
    requests: [],
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  server.on("request", async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = JSON.parse(Buffer.concat(chunks).toString() || "{}") as Json;
    const seen: ApiRequest = { method: request.method ?? "", path: request.url ?? "", body };
    api.requests.push(seen);
    const answer =
      request.headers.authorization === `Bearer ${api.token}`
        ? (api.refuse?.(seen) ?? serve(api.results, seen))
        : { status: 401, reason: "Unauthorized", message: "Unauthorized" };
    const refused = "message" in answer;
    response.writeHead(refused ? answer.status : answer.code, { "content-type": "application/json" });
    response.end(
      JSON.stringify(refused ? { kind: "Status", ...answer, code: answer.status } : answer.object),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  api.port = (server.address() as AddressInfo).port;
  return api;
}

function serve(
  results: Map<string, StoredResult>,
  { method, path, body }: ApiRequest,
): Refusal | { code: number; object: Json } {
  const resource = "workflowtaskresults.argoproj.io";
  if (method === "POST") {
    const created = body as StoredResult;
    const { name } = created.metadata;
    if (results.has(name)) {
      return { status: 409, reason: "AlreadyExists", message: `${resource} "${name}" already exists` };
    }
    results.set(name, created);
    return { code: 201, object: created };
  }
  const name = decodeURIComponent(path.split("/").at(-1) ?? "");
  const current = results.get(name);
  if (!current) return { status: 404, reason: "NotFound", message: `${resource} "${name}" not found` };
  const patched = mergePatch(current, body) as StoredResult;
  results.set(name, patched);
  return { code: 200, object: patched };
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const merged: Json = typeof target === "object" && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}
