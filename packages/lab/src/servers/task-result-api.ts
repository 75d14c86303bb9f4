import { randomUUID, timingSafeEqual } from "node:crypto";
import type { IncomingMessage, ServerResponse } from "node:http";
import { API_VERSION, type WorkflowTaskResult } from "@skein/contract";
import { type LoopbackServer, listenOnLoopback, readBody } from "./listen.ts";
import { mergePatch } from "./merge-patch.ts";

/** An API server's limit on a request: `limit is 3145728`. */
const MAX_BODY_BYTES = 3 * 1024 * 1024;

const RESOURCE = "workflowtaskresults";
const COLLECTION = new RegExp(`^/apis/${API_VERSION}/namespaces/([^/]+)/${RESOURCE}(?:/([^/]+))?$`);

export interface TaskResultApiOptions {
  /** The bearer token that is let in. */
  token: string;
  /** Called with the object as it is after each write. */
  onWrite?: (result: WorkflowTaskResult) => void;
}

export interface TaskResultApi extends LoopbackServer {
  get(namespace: string, name: string): WorkflowTaskResult | undefined;
  list(): WorkflowTaskResult[];
}

interface Refusal {
  code: number;
  reason: string;
  message: string;
}

/**
 * The part of a Kubernetes API server that an executor talks to: create, get, list and merge-patch of
 * WorkflowTaskResults, with the answers a real one gives (contract §14; compared with kube-apiserver 1.34).
 */
export async function startTaskResultApi(options: TaskResultApiOptions): Promise<TaskResultApi> {
  const store = createStore(options.onWrite);
  const server = await listenOnLoopback(async (request, response) => {
    const body = await readBody(request, MAX_BODY_BYTES);
    if (!isLetIn(request, options.token)) return refuse(response, UNAUTHORIZED);
    if (body === undefined) return refuse(response, TOO_LARGE);
    const { code, object } = answer(store, request, body);
    respond(response, code, object);
  });
  return { ...server, get: store.get, list: store.list };
}

const UNAUTHORIZED: Refusal = { code: 401, reason: "Unauthorized", message: "Unauthorized" };
const TOO_LARGE: Refusal = {
  code: 413,
  reason: "RequestEntityTooLarge",
  message: `Request entity too large: limit is ${MAX_BODY_BYTES}`,
};
const NO_SUCH_RESOURCE: Refusal = {
  code: 404,
  reason: "NotFound",
  message: "the server could not find the requested resource",
};

function isLetIn(request: IncomingMessage, token: string): boolean {
  const given = Buffer.from(request.headers.authorization ?? "");
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.byteLength === wanted.byteLength && timingSafeEqual(given, wanted);
}

function answer(store: Store, request: IncomingMessage, body: Buffer): { code: number; object: unknown } {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://localhost");
  const [matched, namespace = "", encodedName] = COLLECTION.exec(pathname) ?? [];
  const name = encodedName === undefined ? undefined : decodeURIComponent(encodedName);
  const refusal = (value: Refusal): { code: number; object: unknown } => ({
    code: value.code,
    object: statusOf(value),
  });
  if (matched === undefined) return refusal(NO_SUCH_RESOURCE);
  const written = (code: number, result: WorkflowTaskResult | Refusal): { code: number; object: unknown } =>
    "code" in result ? refusal(result) : { code, object: result };
  switch (`${request.method} ${name === undefined ? "collection" : "object"}`) {
    case "GET collection":
      return { code: 200, object: listOf(store.list(), namespace, searchParams.get("labelSelector")) };
    case "GET object":
      return written(200, store.get(namespace, name ?? "") ?? notFound(name ?? ""));
    case "POST collection":
      return written(201, store.create(namespace, parseJson(body)));
    case "PATCH object":
      if (!request.headers["content-type"]?.startsWith("application/merge-patch+json")) {
        return refusal(unsupportedPatch(request.headers["content-type"]));
      }
      return written(200, store.patch(namespace, name ?? "", parseJson(body)));
    default:
      return refusal({
        code: 405,
        reason: "MethodNotAllowed",
        message: "the server does not allow this method",
      });
  }
}

interface Store {
  get(namespace: string, name: string): WorkflowTaskResult | undefined;
  list(): WorkflowTaskResult[];
  create(namespace: string, body: unknown): WorkflowTaskResult | Refusal;
  patch(namespace: string, name: string, body: unknown): WorkflowTaskResult | Refusal;
}

function createStore(onWrite: TaskResultApiOptions["onWrite"]): Store {
  const objects = new Map<string, WorkflowTaskResult>();
  let resourceVersion = 0;
  const keep = (namespace: string, result: WorkflowTaskResult): WorkflowTaskResult => {
    resourceVersion += 1;
    const metadata = { ...result.metadata, namespace, resourceVersion: String(resourceVersion) };
    const stored = { ...result, metadata };
    objects.set(`${namespace}/${metadata.name}`, stored);
    onWrite?.(stored);
    return stored;
  };
  return {
    get: (namespace, name) => objects.get(`${namespace}/${name}`),
    list: () => [...objects.values()],
    create: (namespace, body) => {
      const result = body as WorkflowTaskResult | undefined;
      const name = result?.metadata?.name;
      if (!result || typeof name !== "string" || name === "") {
        return { code: 422, reason: "Invalid", message: "name or generateName is required" };
      }
      if (result.kind !== "WorkflowTaskResult" || result.apiVersion !== API_VERSION) {
        return {
          code: 400,
          reason: "BadRequest",
          message: `cannot decode ${result.apiVersion}/${result.kind}`,
        };
      }
      if (objects.has(`${namespace}/${name}`)) return alreadyExists(name);
      const created = {
        uid: randomUUID(),
        creationTimestamp: new Date().toISOString().replace(/\.\d+Z$/, "Z"),
      };
      return keep(namespace, { ...result, metadata: { ...result.metadata, ...created } });
    },
    patch: (namespace, name, body) => {
      const current = objects.get(`${namespace}/${name}`);
      if (!current) return notFound(name);
      if (typeof body !== "object")
        return { code: 400, reason: "BadRequest", message: "the patch is not an object" };
      const patched = mergePatch(current, body) as WorkflowTaskResult;
      const { uid, creationTimestamp } = current.metadata;
      const fixed = { name, ...(uid ? { uid } : {}), ...(creationTimestamp ? { creationTimestamp } : {}) };
      return keep(namespace, { ...patched, metadata: { ...patched.metadata, ...fixed } });
    },
  };
}

function listOf(all: readonly WorkflowTaskResult[], namespace: string, selector: string | null): unknown {
  const wanted = (selector ?? "").split(",").filter(Boolean);
  const items = all
    .filter((result) => result.metadata.namespace === namespace)
    .filter((result) => wanted.every((term) => matchesLabel(result.metadata.labels, term)));
  return { apiVersion: API_VERSION, kind: "WorkflowTaskResultList", metadata: {}, items };
}

/** `key`, `key=value` and `key==value`. */
function matchesLabel(labels: Readonly<Record<string, string>>, term: string): boolean {
  const [key = "", value] = term.split(/==?/);
  return value === undefined ? key in labels : labels[key] === value;
}

function notFound(name: string): Refusal {
  return { code: 404, reason: "NotFound", message: `${RESOURCE}.argoproj.io "${name}" not found` };
}

function alreadyExists(name: string): Refusal {
  return { code: 409, reason: "AlreadyExists", message: `${RESOURCE}.argoproj.io "${name}" already exists` };
}

function unsupportedPatch(type: string | undefined): Refusal {
  return {
    code: 415,
    reason: "UnsupportedMediaType",
    message: `the body of the request was in an unknown format - accepted media types include: application/merge-patch+json (got ${type ?? "none"})`,
  };
}

function statusOf({ code, reason, message }: Refusal): unknown {
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Failure", message, reason, code };
}

function refuse(response: ServerResponse, refusal: Refusal): void {
  respond(response, refusal.code, statusOf(refusal));
}

function respond(response: ServerResponse, code: number, object: unknown): void {
  response.writeHead(code, { "content-type": "application/json" });
  response.end(`${JSON.stringify(object)}\n`);
}

function parseJson(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8")) as unknown;
  } catch {
    return undefined; // the caller answers as for an object without a name, or a patch that is none
  }
}
