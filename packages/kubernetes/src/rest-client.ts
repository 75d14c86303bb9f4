import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { isDeepStrictEqual } from "node:util";
import { ArtifactError, LogDuration, type Logger } from "@skein/contract";
import type { Connection } from "./connection.ts";
import { connectionError, KubernetesError } from "./kubernetes-error.ts";

export interface RestRequest {
  method: "GET" | "POST" | "PATCH";
  /** Absolute, below the server's own path. */
  path: string;
  body?: unknown;
  contentType?: "application/json" | "application/merge-patch+json";
  signal?: AbortSignal | undefined;
}

/** Speaks JSON to one API server. Never retries, but for a refused token that has been replaced. */
export interface RestClient {
  readonly namespace: string;
  /**
   * @returns the parsed body
   * @throws KubernetesError for an answer that is not 2xx; ArtifactError `network.*` when there was none
   */
  send(request: RestRequest): Promise<unknown>;
  /**
   * The lines of an answer that goes on for as long as the server likes, such as a watch's. Ends when the server or
   * the signal ends it; whatever breaks the connection in the middle ends it, too.
   *
   * @throws KubernetesError for an answer that is not 2xx; ArtifactError `network.*` when there was none
   */
  lines(request: RestRequest): AsyncIterable<string>;
  /** Ends the kept connections, so that they do not keep the process. */
  close(): void;
}

/** An API server that has accepted a connection but says nothing for this long is taken for dead. */
const DEFAULT_TIMEOUT_MS = 30_000;

/** From here on a request is worth a warning. */
const SLOW_MS = 5_000;

const VERBS = { GET: "Get", POST: "Create", PATCH: "Patch" } as const;

export interface RestClientOptions {
  userAgent: string;
  /** Milliseconds without an answer. Default 30 000. */
  timeoutMs?: number | undefined;
  /** Told of every request at level debug, and of slow ones at level warn. */
  log?: Logger | undefined;
}

export function createRestClient(connection: Connection, options: RestClientOptions): RestClient {
  const { server } = connection;
  const secure = server.protocol === "https:";
  const proxy = connection.proxyUrl
    ? { proxyEnv: { HTTPS_PROXY: connection.proxyUrl, HTTP_PROXY: connection.proxyUrl } }
    : {};
  const agent = secure
    ? new HttpsAgent({ keepAlive: true, ...proxy, ...connection.tls })
    : new HttpAgent({ keepAlive: true, ...proxy });
  const timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS;

  const exchange = (
    call: RestRequest,
    headers: OutgoingHttpHeaders,
    signal: AbortSignal,
  ): Promise<IncomingMessage> =>
    new Promise((resolve, reject) => {
      const request = (secure ? httpsRequest : httpRequest)(
        new URL(server.pathname.replace(/\/$/, "") + call.path, server),
        { method: call.method, agent, headers, signal },
        resolve,
      );
      request.on("error", (error) => reject(abortReason(error, signal)));
      request.end(call.body === undefined ? undefined : JSON.stringify(call.body));
    });

  /** Asks, and once more with a fresh token when the first was refused. */
  const ask = async <T>(
    call: RestRequest,
    signal: AbortSignal,
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<[IncomingMessage, T]> => {
    const authorization = await connection.authorization();
    const answered = await askAs(call, authorization, signal, read);
    if (answered[0].statusCode !== 401) return answered;
    // A token may have been replaced since it was read; the same one again would be refused again.
    const fresh = await connection.authorization(true);
    return isDeepStrictEqual(fresh, authorization) ? answered : askAs(call, fresh, signal, read);
  };

  const askAs = async <T>(
    call: RestRequest,
    authorization: Readonly<Record<string, string | string[]>>,
    signal: AbortSignal,
    read: (response: IncomingMessage) => Promise<T>,
  ): Promise<[IncomingMessage, T]> => {
    const startedAt = performance.now();
    const headers: OutgoingHttpHeaders = {
      accept: "application/json",
      "user-agent": options.userAgent,
      ...authorization,
    };
    if (call.body !== undefined) {
      headers["content-type"] = call.contentType ?? "application/json";
      headers["content-length"] = Buffer.byteLength(JSON.stringify(call.body));
    }
    try {
      const response = await exchange(call, headers, signal);
      const body = await read(response);
      logRequest(options.log, call, response.statusCode ?? 0, performance.now() - startedAt);
      return [response, body];
    } catch (error) {
      call.signal?.throwIfAborted();
      throw connectionError(error, server);
    }
  };

  return {
    namespace: connection.namespace,
    async send(call) {
      const signal = withTimeout(call.signal, AbortSignal.timeout(timeoutMs));
      const [response, text] = await ask(call, signal, readText);
      const status = response.statusCode ?? 0;
      if (status >= 200 && status < 300) return parseBody(text, server);
      throw statusError(status, response, text);
    },
    async *lines(call) {
      // Only the answer's beginning has to come in time.
      const waited = new AbortController();
      const timer = setTimeout(
        () => waited.abort(new DOMException("no answer in time", "TimeoutError")),
        timeoutMs,
      );
      const signal = withTimeout(call.signal, waited.signal);
      const [response] = await ask(call, signal, async (opened) => opened).finally(() => clearTimeout(timer));
      const status = response.statusCode ?? 0;
      if (status < 200 || status >= 300) throw statusError(status, response, await readText(response));
      yield* linesOf(response);
    },
    close: () => agent.destroy(),
  };
}

function withTimeout(signal: AbortSignal | undefined, timeout: AbortSignal): AbortSignal {
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

/** A half line at the end, where the connection broke, is no line. */
async function* linesOf(response: IncomingMessage): AsyncGenerator<string> {
  let rest = "";
  response.setEncoding("utf8");
  try {
    for await (const chunk of response) {
      const lines = (rest + (chunk as string)).split("\n");
      rest = lines.pop() ?? "";
      yield* lines;
    }
  } catch {
    // A watch is taken up where it stopped, whatever stopped it.
  }
}

/** Contract §19. */
function logRequest(log: Logger | undefined, call: RestRequest, status: number, ms: number): void {
  const fields = { verb: VERBS[call.method], kind: call.path.split("/")[6] ?? "", status };
  log?.debug("K8S request", fields);
  if (ms > SLOW_MS) log?.warn("Waited for K8S request", { ...fields, duration: new LogDuration(ms) });
}

function parseBody(text: string, server: URL): unknown {
  try {
    return text === "" ? undefined : JSON.parse(text);
  } catch (cause) {
    throw new ArtifactError(
      `${server.origin} answered with something that is not JSON: ${text.slice(0, 200)}`,
      {
        code: "kubernetes.failed",
        remedy: "check that the address is that of an API server",
        cause,
      },
    );
  }
}

async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}

/** A time-out is our own doing; say so instead of "the operation was aborted". */
function abortReason(error: Error, signal: AbortSignal): Error {
  const reason: unknown = signal.reason;
  if (signal.aborted && reason instanceof DOMException && reason.name === "TimeoutError") {
    return Object.assign(new Error("no answer in time"), { code: "ETIMEDOUT" });
  }
  return error;
}

function statusError(status: number, response: IncomingMessage, text: string): KubernetesError {
  const body = parseStatus(text);
  const retryAfter = Number(response.headers["retry-after"]);
  return new KubernetesError({
    status,
    reason: body.reason ?? "",
    message: body.message || text.trim().slice(0, 1000) || `the API server answered ${status}`,
    retryAfterMs: Number.isFinite(retryAfter) && retryAfter > 0 ? retryAfter * 1000 : undefined,
  });
}

function parseStatus(text: string): { reason?: string; message?: string } {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    // A proxy in between answers in HTML; its text is the message then.
    return {};
  }
}
