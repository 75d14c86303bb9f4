import {
  type ClientRequest,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { Transform } from "node:stream";
import { setTimeout as delay } from "node:timers/promises";

/** What goes wrong with one request. Numbers of bytes count the body of the answer, unless said otherwise. */
export type Fault =
  /** An answer of the proxy's own, in the form S3 gives its errors. */
  | {
      type: "answer";
      status: number;
      code?: string;
      message?: string;
      headers?: Record<string, string>;
    }
  /** The connection is reset. */
  | { type: "reset"; afterBytes: number }
  /** The connection is closed in good order, too early for its Content-Length. */
  | { type: "short"; afterBytes: number }
  /** Nothing comes any more, and nobody hangs up. */
  | { type: "stall"; afterBytes: number }
  /** One byte of the body is another one. */
  | { type: "flip"; atByte: number }
  /** The body comes so slowly, in pieces of a tenth of a second. */
  | { type: "trickle"; bytesPerSecond: number }
  /** The answer begins late. */
  | { type: "delay"; ms: number }
  /** Of the request's own body, what comes after so many bytes is kept back until the promise is kept. */
  | { type: "hold"; afterBytes: number; until: () => Promise<void> };

export interface SeenRequest {
  method: string;
  /** Path and query. */
  url: string;
  range: string | undefined;
  ifMatch: string | undefined;
  contentType: string | undefined;
  contentMd5: string | undefined;
  headers: IncomingHttpHeaders;
}

/** A server before the real one. */
export interface FaultProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  endpoint: string;
  /** Every request so far, in order. */
  seen: SeenRequest[];
}

/**
 * Passes every request on to `target` (`host:port`), the Host header unchanged, so that signatures hold.
 * `fault` is asked once per request and decides what goes wrong with it.
 */
export async function startFaultProxy(
  target: string,
  fault: (request: SeenRequest, index: number) => Fault | undefined,
): Promise<FaultProxy> {
  const seen: SeenRequest[] = [];
  const server = createServer((incoming, outgoing) => {
    const summary: SeenRequest = {
      method: incoming.method ?? "",
      url: incoming.url ?? "",
      range: incoming.headers.range,
      ifMatch: incoming.headers["if-match"],
      contentType: incoming.headers["content-type"],
      contentMd5: incoming.headers["content-md5"]?.toString(),
      headers: incoming.headers,
    };
    const chosen = fault(summary, seen.length);
    seen.push(summary);
    handle(target, chosen, incoming, outgoing);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function handle(
  target: string,
  fault: Fault | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): void {
  if (fault?.type === "answer") {
    incoming.resume();
    const { code, message = "" } = fault;
    const body = code
      ? `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
      : "";
    outgoing.writeHead(fault.status, { "content-type": "application/xml", ...fault.headers }).end(body);
    return;
  }
  const [host, port] = target.split(":");
  const { method, url, headers } = incoming;
  const onward = request({ host, port, method, path: url, headers }, (answer) => {
    const pass = (): void => passOn(answer, outgoing, fault);
    if (fault?.type === "delay") setTimeout(pass, fault.ms);
    else pass();
  });
  onward.on("error", () => outgoing.destroy());
  outgoing.on("close", () => onward.destroy());
  if (fault?.type === "hold") void passBody(incoming, onward, fault).catch(() => onward.destroy());
  else incoming.pipe(onward);
}

async function passBody(
  incoming: IncomingMessage,
  onward: ClientRequest,
  { afterBytes, until }: Extract<Fault, { type: "hold" }>,
): Promise<void> {
  let passed = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    const before = Math.max(0, Math.min(chunk.byteLength, afterBytes - passed));
    onward.write(chunk.subarray(0, before));
    if (passed <= afterBytes && passed + chunk.byteLength > afterBytes) await until();
    onward.write(chunk.subarray(before));
    passed += chunk.byteLength;
  }
  onward.end();
}

function passOn(answer: IncomingMessage, outgoing: ServerResponse, fault: Fault | undefined): void {
  outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
  if (fault?.type === "flip") {
    answer.pipe(flipping(fault.atByte)).pipe(outgoing);
    return;
  }
  if (fault?.type === "trickle") {
    outgoing.flushHeaders();
    void trickle(answer, outgoing, fault.bytesPerSecond);
    return;
  }
  if (!fault || fault.type === "hold" || !("afterBytes" in fault)) {
    answer.pipe(outgoing);
    return;
  }
  let left = fault.afterBytes;
  outgoing.flushHeaders();
  answer.on("data", (chunk: Buffer) => {
    if (left <= 0) return;
    outgoing.write(chunk.subarray(0, left));
    left -= chunk.byteLength;
    if (left <= 0) breakOff(outgoing, fault.type);
  });
  // An answer that is over before anything can go wrong with it is passed on whole.
  answer.on("end", () => left > 0 && outgoing.end());
  if (left === 0) breakOff(outgoing, fault.type);
}

function flipping(atByte: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      const at = atByte - passed;
      passed += chunk.byteLength;
      const changed = Buffer.from(chunk);
      if (at >= 0 && at < changed.byteLength) changed[at] = (changed[at] ?? 0) ^ 1;
      done(null, changed);
    },
  });
}

async function trickle(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  bytesPerSecond: number,
): Promise<void> {
  const piece = Math.max(1, Math.round(bytesPerSecond / 10));
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.byteLength; from += piece) {
      if (outgoing.destroyed) return;
      outgoing.write(chunk.subarray(from, from + piece));
      await delay((1000 * piece) / bytesPerSecond);
    }
  }
  outgoing.end();
}

function breakOff(outgoing: ServerResponse, how: "reset" | "short" | "stall"): void {
  if (how === "stall") return;
  const { socket } = outgoing;
  // What was written first has to be on its way before the line goes dead.
  outgoing.write("", () => {
    if (how === "reset") socket?.resetAndDestroy();
    else socket?.end();
  });
}
