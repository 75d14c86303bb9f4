import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What the server should do to one request instead of serving it. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void;

export interface FakeApiServer extends AsyncDisposable {
  url: URL;
  objects: Map<string, Record<string, unknown>>;
  /** Method, path and body of every request, in order. */
  requests: { method: string; path: string; contentType: string; authorization: string; body: unknown }[];
  /** Taken from the front, one for each request. */
  faults: Fault[];
}

/** An API server for tests: create and merge-patch of task results, kept in a Map, with faults on demand. */
export async function startFakeApiServer(): Promise<FakeApiServer> {
  const objects: FakeApiServer["objects"] = new Map();
  const requests: FakeApiServer["requests"] = [];
  const faults: Fault[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      requests.push({
        method: request.method ?? "",
        path: request.url ?? "",
        contentType: request.headers["content-type"] ?? "",
        authorization: request.headers.authorization ?? "",
        body,
      });
      const fault = faults.shift();
      if (fault) fault(request, response);
      else serve(objects, request, response, body as Record<string, unknown>);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}`),
    objects,
    requests,
    faults,
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A fault that answers with a `v1.Status`. */
export function answer(
  status: number,
  reason: string,
  message: string,
  headers: Record<string, string> = {},
): Fault {
  return (_request, response) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ kind: "Status", status: "Failure", code: status, reason, message }));
  };
}

/** A fault that cuts the connection. */
export const hangUp: Fault = (request) => request.socket.destroy();

function serve(
  objects: FakeApiServer["objects"],
  request: IncomingMessage,
  response: ServerResponse,
  body: Record<string, unknown>,
): void {
  const refuse = (status: number, reason: string, name: string): void =>
    answer(
      status,
      reason,
      `workflowtaskresults.argoproj.io "${name}" ${status === 404 ? "not found" : "already exists"}`,
    )(request, response);
  if (request.method === "POST") {
    const name = (body.metadata as { name: string }).name;
    if (objects.has(name)) {
      refuse(409, "AlreadyExists", name);
      return;
    }
    objects.set(name, body);
    response.writeHead(201, { "content-type": "application/json" });
    response.end(JSON.stringify(body));
    return;
  }
  const name = decodeURIComponent((request.url ?? "").split("/").at(-1) ?? "");
  const object = objects.get(name);
  if (!object) {
    refuse(404, "NotFound", name);
    return;
  }
  const patched = mergePatch(object, body) as Record<string, unknown>;
  objects.set(name, patched);
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify(patched));
}

/** RFC 7386. */
function mergePatch(target: unknown, patch: unknown): unknown {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) return patch;
  const result: Record<string, unknown> = typeof target === "object" && target !== null ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete result[key];
    else result[key] = mergePatch(result[key], value);
  }
  return result;
}

async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString("utf8");
  return text === "" ? undefined : JSON.parse(text);
}
