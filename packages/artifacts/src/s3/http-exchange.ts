import type {
  ClientRequest,
  Agent as HttpAgent,
  IncomingHttpHeaders,
  IncomingMessage,
  RequestOptions,
} from "node:http";
import { request as httpRequest } from "node:http";
import { type Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { endWithSignal } from "../end-with-signal.ts";
import { releaseReads } from "../release-reads.ts";
import { decodeEntities } from "./xml-entities.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** A body is handed over in slices of this, so that it can be seen whether anybody takes them. */
const SLICE_BYTES = 64 * 1024;
/** Of an answer that is an error; those of S3 have a few hundred bytes. */
const MAX_ERROR_BYTES = 64 * 1024;

export interface ServerAddress {
  /** Without TLS. */
  isPlain: boolean;
  /** As in a URL. */
  hostname: string;
  /** Empty for the protocol's own. */
  port: string;
}

export interface Exchange {
  origin: ServerAddress;
  /** With query, as it was signed. */
  path: string;
  method: string;
  headers: Readonly<Record<string, string>>;
  body?: Uint8Array | undefined;
  agent: HttpAgent | HttpsAgent;
  signal: AbortSignal;
  /** A socket on which nothing happens for this long is dead. */
  idleTimeoutMs: number;
  /** Told when the connection is there, and whenever some of the body has gone; at last with true. */
  onSent?: ((isAll: boolean) => void) | undefined;
}

/** One request over a kept connection. The answer's body is the caller's to read or to destroy. */
export function exchange({
  origin,
  path,
  method,
  headers,
  body,
  agent,
  signal,
  idleTimeoutMs,
  onSent,
}: Exchange): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { isPlain, port } = origin;
    // An IPv6 address stands in brackets in a URL, and without them everywhere else.
    const hostname = origin.hostname.replace(/^\[(.*)\]$/, "$1");
    const send = isPlain ? httpRequest : httpsRequest;
    const options: RequestOptions = { hostname, port, path, method, headers, agent };
    const request = send(options, resolve);
    request.on("error", reject);
    endWithSignal(request, signal);
    request.on("socket", (socket) => {
      releaseReads(socket);
      if (!socket.connecting) {
        onSent?.(false);
        return;
      }
      const timer = setTimeout(() => request.destroy(timedOut("could not connect")), CONNECT_TIMEOUT_MS);
      socket.once("connect", () => {
        clearTimeout(timer);
        onSent?.(false);
      });
      socket.once("close", () => clearTimeout(timer));
    });
    request.setTimeout(idleTimeoutMs, () => request.destroy(timedOut("nothing was taken or sent")));
    if (!body || body.byteLength <= SLICE_BYTES) request.end(body, () => onSent?.(true));
    else sendSlices(request, body, onSent);
  });
}

function sendSlices(request: ClientRequest, body: Uint8Array, onSent: Exchange["onSent"]): void {
  let offset = 0;
  const next = (): void => {
    while (offset < body.byteLength) {
      const slice = body.subarray(offset, offset + SLICE_BYTES);
      offset += slice.byteLength;
      if (!request.write(slice)) break;
    }
    if (offset < body.byteLength) return;
    request.off("drain", drained);
    request.end(() => onSent?.(true));
  };
  const drained = (): void => {
    onSent?.(false);
    next();
  };
  request.on("drain", drained);
  next();
}

/**
 * An answer may come before all of the body has gone, as a refusal does. Whoever has it lends the body's memory to somebody
 * else, so that the connection must not go on reading it.
 */
export function endSending(answer: IncomingMessage): void {
  const { req } = answer as IncomingMessage & { req: ClientRequest };
  if (!req.writableFinished) req.destroy();
}

function timedOut(what: string): Error {
  return Object.assign(new Error(`${what} in time`), { code: "ETIMEDOUT" });
}

/** What the SDK throws for a refusal, as far as our translation reads it. */
export interface S3Refusal extends Error {
  Region?: string;
  $metadata: { httpStatusCode: number };
  $response: { statusCode: number; headers: Record<string, string> };
  /** Came under a status that says nothing, because it was sent before the store knew. */
  isBelated?: boolean;
}

/** Reads S3's own words out of an answer that is none: https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html */
export async function readRefusal(answer: IncomingMessage): Promise<S3Refusal> {
  return refusalIn(await readText(answer, MAX_ERROR_BYTES), answer);
}

/** The same, of an answer whose text has been read. */
export function refusalIn(
  text: string,
  answer: Pick<IncomingMessage, "statusCode" | "statusMessage" | "headers">,
): S3Refusal {
  const statusCode = answer.statusCode ?? 0;
  const field = (name: string): string =>
    decodeEntities(new RegExp(`<${name}>([^<]*)</${name}>`).exec(text)?.[1] ?? "");
  const code = field("Code");
  const message =
    field("Message") ||
    (code
      ? ""
      : text
          .replace(/<[^<>]*>/g, " ") // no "<" in it, or many without an end take the square of their number
          .trim()
          .slice(0, 200));
  const region = field("Region");
  return Object.assign(new Error(message || answer.statusMessage || "no reason given"), {
    name: code || "Error",
    ...(region && { Region: region }),
    $metadata: { httpStatusCode: statusCode },
    $response: { statusCode, headers: firstOfEach(answer.headers) },
  });
}

/** At most a little more than `maxBytes` of an answer. */
export async function readText(answer: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    bytes += chunk.byteLength;
    if (bytes > maxBytes) break;
  }
  return Buffer.concat(chunks).toString("utf8");
}

function firstOfEach(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, String(Array.isArray(value) ? value[0] : value)]),
  );
}
