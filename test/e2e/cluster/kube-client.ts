import type { IncomingMessage } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import { createInterface } from "node:readline";

/** Any object of the API. */
export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: {
    name?: string;
    namespace?: string;
    uid?: string;
    resourceVersion?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    [field: string]: unknown;
  };
  [field: string]: unknown;
}

/** The suite's own access to the API server, as one user. Never retries. */
export interface KubeClient {
  get<T = KubeObject>(path: string): Promise<T>;
  create<T = KubeObject>(path: string, body: object): Promise<T>;
  /** Of type merge patch. */
  patch<T = KubeObject>(path: string, body: object): Promise<T>;
  put<T = KubeObject>(path: string, body: object): Promise<T>;
  delete(path: string): Promise<void>;
  /** Objects of a collection as they are added and changed, from now on, until the signal. */
  watch<T = KubeObject>(path: string, signal: AbortSignal): AsyncIterable<T>;
  close(): void;
}

/** An answer of the API server that is not a success. */
export class KubeError extends Error {
  override readonly name = "KubeError";
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function createKubeClient(port: number, ca: string, token: string): KubeClient {
  const agent = new Agent({ keepAlive: true, ca });
  const authorization = { authorization: `Bearer ${token}` };
  const send = <T>(method: string, path: string, body?: object): Promise<T> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body);
      const headers = {
        ...authorization,
        "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json",
      };
      const call = request({ agent, host: "127.0.0.1", port, method, path, headers }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", reject);
        answer.on("end", () => {
          const content = Buffer.concat(chunks).toString();
          const status = answer.statusCode ?? 0;
          if (status < 300) resolve(parse(content) as T);
          else reject(new KubeError(status, `${method} ${path}: ${status} ${messageOf(content)}`));
        });
      });
      call.on("error", reject);
      call.end(text);
    });
  return {
    get: (path) => send("GET", path),
    create: (path, body) => send("POST", path, body),
    patch: (path, body) => send("PATCH", path, body),
    put: (path, body) => send("PUT", path, body),
    delete: async (path) => {
      await send("DELETE", path);
    },
    watch: (path, signal) => watch({ agent, host: "127.0.0.1", port, path, headers: authorization, signal }),
    close: () => agent.destroy(),
  };
}

/** One line of JSON for each event. */
async function* watch<T>(options: RequestOptions): AsyncGenerator<T> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ ...options, path: `${options.path}?watch=true` }, resolve)
      .on("error", reject)
      .end();
  });
  for await (const line of createInterface({ input: answer })) {
    const { type, object } = JSON.parse(line) as { type: string; object: T };
    if (type === "ADDED" || type === "MODIFIED") yield object;
  }
}

/** `/readyz` and the like answer in plain text. */
function parse(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return content;
  }
}

function messageOf(content: string): string {
  const answer = parse(content);
  return typeof answer === "object" && answer !== null && "message" in answer
    ? String(answer.message)
    : content;
}
