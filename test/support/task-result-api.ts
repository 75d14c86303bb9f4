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
  /** Of the task result: the node's ID. */
  name: string;
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
  refuse?: (request: ApiRequest) => Fault | undefined;
  /** The same for the task result of one name, told how many requests for it came before. */
  faults: Map<string, Faults>;
}

/** `reset`: the connection breaks. `silence`: no answer ever comes. `lost`: it is done, and no answer ever comes. */
export type Fault = Refusal | "reset" | "silence" | "lost";

/** What is answered instead, `undefined` for nothing special; a promise holds the request until it is kept. */
export type Faults = (request: ApiRequest, earlier: number) => Fault | undefined | Promise<Fault | undefined>;

export async function startTaskResultApi(): Promise<TaskResultApi> {
  const server = createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE });
  const api: TaskResultApi = {
    port: 0,
    token: "canary-service-account-token",
    ca: LOOPBACK_CERTIFICATE,
    results: new Map(),
    requests: [],
    faults: new Map(),
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
    const path = request.url ?? "";
    const seen: ApiRequest = { method: request.method ?? "", name: nameOf(path, body), path, body };
    const earlier = api.requests.filter(({ name }) => name === seen.name).length;
    api.requests.push(seen);
    const fault = api.refuse?.(seen) ?? (await api.faults.get(seen.name)?.(seen, earlier));
    // A client that was killed while its request was held has said nothing that counts.
    if (request.socket.destroyed) return;
    const answer =
      request.headers.authorization === `Bearer ${api.token}`
        ? (fault ?? serve(api.results, seen))
        : { status: 401, reason: "Unauthorized", message: "Unauthorized" };
    if (answer === "lost") serve(api.results, seen);
    if (answer === "silence" || answer === "lost") return;
    if (answer === "reset") {
      request.socket.destroy();
      return;
    }
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

function nameOf(path: string, body: Json): string {
  const last = decodeURIComponent(path.split("/").at(-1) ?? "");
  return last === "workflowtaskresults" ? (body as StoredResult).metadata.name : last;
}

function serve(
  results: Map<string, StoredResult>,
  { method, name, body }: ApiRequest,
): Refusal | { code: number; object: Json } {
  const resource = "workflowtaskresults.argoproj.io";
  if (method === "POST") {
    const created = body as StoredResult;
    if (results.has(name)) {
      return { status: 409, reason: "AlreadyExists", message: `${resource} "${name}" already exists` };
    }
    results.set(name, created);
    return { code: 201, object: created };
  }
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
