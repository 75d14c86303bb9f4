import type { IncomingMessage, ServerResponse } from "node:http";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { errorMessage } from "@skein/contract";
import { type LoopbackServer, listenOnLoopback, readBody } from "../servers/listen.ts";
import { decodeTraceRequest } from "./otlp-protobuf.ts";
import type { TelemetryRelay } from "./relay.ts";
import type { TraceFile } from "./trace-file.ts";

/** A collector's default limit on a request. */
const MAX_BODY_BYTES = 20 * 1024 * 1024;

export interface TraceSink extends LoopbackServer {
  /** Spans the lab itself makes. */
  write(request: { resourceSpans: unknown[] }): void;
}

/** Receives OTLP over HTTP, protobuf or JSON, and writes all spans to one file; passes spans and metrics on where there is a relay. */
export async function startTraceSink(file: TraceFile, relay: TelemetryRelay | undefined): Promise<TraceSink> {
  const server = await listenOnLoopback(async (request, response) => {
    const body = await readBody(request, MAX_BODY_BYTES);
    if (request.method !== "POST") return respond(response, 405, "text/plain", "POST only\n");
    if (body === undefined) return respond(response, 413, "text/plain", `limit is ${MAX_BODY_BYTES} bytes\n`);
    try {
      const plain = await decompress(request, body);
      // Metrics and logs have no file here, but a program that sends all three must not see an error.
      if (request.url === "/v1/traces") {
        file.write(decode(request, plain));
        relay?.send("traces", plain, contentType(request));
      } else if (request.url === "/v1/metrics") {
        relay?.send("metrics", plain, contentType(request));
      }
    } catch (error) {
      return respond(response, 400, "text/plain", `${errorMessage(error)}\n`);
    }
    accept(request, response);
  });
  return {
    ...server,
    write: (request) => {
      file.write(request);
      relay?.send("traces", Buffer.from(JSON.stringify(request)), "application/json");
    },
  };
}

async function decompress(request: IncomingMessage, body: Buffer): Promise<Buffer> {
  if (request.headers["content-encoding"] !== "gzip") return body;
  return await promisify(gunzip)(body, { maxOutputLength: MAX_BODY_BYTES });
}

function decode(request: IncomingMessage, body: Buffer): { resourceSpans: unknown[] } {
  if (contentType(request) !== "application/json") return decodeTraceRequest(body);
  const parsed = JSON.parse(body.toString("utf8")) as { resourceSpans?: unknown } | null;
  if (!Array.isArray(parsed?.resourceSpans)) throw new Error("there are no resourceSpans in this request");
  return { resourceSpans: parsed.resourceSpans };
}

function contentType(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
}

/** An empty answer means: all taken. */
function accept(request: IncomingMessage, response: ServerResponse): void {
  const json = contentType(request) === "application/json";
  respond(response, 200, json ? "application/json" : "application/x-protobuf", json ? "{}" : "");
}

function respond(response: ServerResponse, code: number, type: string, body: string): void {
  response.writeHead(code, { "content-type": type });
  response.end(body);
}
