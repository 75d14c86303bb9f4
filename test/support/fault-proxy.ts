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
  /** The real answer, with other headers. */
  | { type: "headers"; headers: Record<string, string> }
  /** The server does what it was asked for, and the connection is reset before anybody hears of it. */
  | { type: "lost" }
  /** The connection is reset when so many bytes of the request's own body have come; the server gets none of them. */
  | { type: "refuse"; afterBytes: number }
  /** The request's own body is taken so slowly, in pieces of what the socket brings. */
  | { type: "sip"; bytesPerSecond: number }
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
  /** Of the request's body, so far. */
  requestBytes: number;
  /** Of the answer's body that were let through, so far. */
  answerBytes: number;
}

/** A server before the real one. */
export interface FaultProxy extends AsyncDisposable {
  /** `127.0.0.1:port`. */
  endpoint: string;
  /** Every request so far, in order. */
  seen: SeenRequest[];
  /** Requests at the same time, at most, so far. */
  mostAtOnce: number;
  /** Hangs up on everybody, and refuses connections for so long. */
  goAway(ms: number): Promise<void>;
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
  let open = 0;
  const server = createServer((incoming, outgoing) => {
    const summary: SeenRequest = {
      method: incoming.method ?? "",
      url: incoming.url ?? "",
      range: incoming.headers.range,
      ifMatch: incoming.headers["if-match"],
      contentType: incoming.headers["content-type"],
      contentMd5: incoming.headers["content-md5"]?.toString(),
      headers: incoming.headers,
      requestBytes: 0,
      answerBytes: 0,
    };
    const chosen = fault(summary, seen.length);
    seen.push(summary);
    open++;
    proxy.mostAtOnce = Math.max(proxy.mostAtOnce, open);
    outgoing.on("close", () => open--);
    incoming.on("data", (chunk: Buffer) => {
      summary.requestBytes += chunk.byteLength;
    });
    handle(target, chosen, { incoming, outgoing, summary });
  });
  // Nobody is to meet a connection that ends just as it is used again: only what is chosen goes wrong.
  server.keepAliveTimeout = 120_000;
  const listen = (port: number): Promise<void> =>
    new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const proxy: FaultProxy = {
    endpoint: `127.0.0.1:${port}`,
    seen,
    mostAtOnce: 0,
    async goAway(ms) {
      await close();
      await delay(ms);
      await listen(port);
    },
    [Symbol.asyncDispose]: close,
  };
  return proxy;
}

interface Exchanged {
  incoming: IncomingMessage;
  outgoing: ServerResponse;
  summary: SeenRequest;
}

function handle(target: string, fault: Fault | undefined, exchanged: Exchanged): void {
  const { incoming, outgoing } = exchanged;
  if (fault?.type === "answer") {
    incoming.resume();
    const { code, message = "" } = fault;
    const body = code
      ? `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`
      : "";
    outgoing.writeHead(fault.status, { "content-type": "application/xml", ...fault.headers }).end(body);
    return;
  }
  if (fault?.type === "refuse") {
    refuse(exchanged, fault.afterBytes);
    return;
  }
  const [host, port] = target.split(":");
  const { method, url, headers } = incoming;
  const onward = request({ host, port, method, path: url, headers }, (answer) => {
    const pass = (): void => passOn(answer, exchanged, fault);
    if (fault?.type === "delay") setTimeout(pass, fault.ms);
    else pass();
  });
  onward.on("error", () => outgoing.destroy());
  outgoing.on("close", () => onward.destroy());
  if (fault?.type === "hold") void passBody(incoming, onward, fault).catch(() => onward.destroy());
  else if (fault?.type === "sip") void sipBody(incoming, onward, fault).catch(() => onward.destroy());
  else incoming.pipe(onward);
}

function refuse({ incoming, outgoing, summary }: Exchanged, afterBytes: number): void {
  const look = (): void => {
    if (summary.requestBytes >= afterBytes) outgoing.socket?.resetAndDestroy();
  };
  incoming.on("data", look);
  look();
}

async function sipBody(
  incoming: IncomingMessage,
  onward: ClientRequest,
  { bytesPerSecond }: Extract<Fault, { type: "sip" }>,
): Promise<void> {
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    onward.write(chunk);
    await delay((1000 * chunk.byteLength) / bytesPerSecond, undefined, { ref: false });
  }
  onward.end();
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

function passOn(answer: IncomingMessage, exchanged: Exchanged, fault: Fault | undefined): void {
  const { outgoing, summary } = exchanged;
  if (fault?.type === "lost") {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  outgoing.writeHead(answer.statusCode ?? 500, {
    ...answer.headers,
    ...(fault?.type === "headers" && fault.headers),
  });
  const count = (chunk: Buffer): void => {
    summary.answerBytes += chunk.byteLength;
  };
  if (fault?.type === "flip") {
    answer.on("data", count).pipe(flipping(fault.atByte)).pipe(outgoing);
    return;
  }
  if (fault?.type === "trickle") {
    outgoing.flushHeaders();
    // The one who asked may have left, and the server with him.
    trickle(answer, exchanged, fault.bytesPerSecond).catch(() => outgoing.destroy());
    return;
  }
  if (fault?.type !== "reset" && fault?.type !== "short" && fault?.type !== "stall") {
    answer.on("data", count).pipe(outgoing);
    return;
  }
  let left = fault.afterBytes;
  outgoing.flushHeaders();
  answer.on("data", (chunk: Buffer) => {
    if (left <= 0) return;
    const passed = chunk.subarray(0, left);
    count(passed);
    outgoing.write(passed);
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
  { outgoing, summary }: Exchanged,
  bytesPerSecond: number,
): Promise<void> {
  const piece = Math.max(1, Math.round(bytesPerSecond / 10));
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    for (let from = 0; from < chunk.byteLength; from += piece) {
      if (outgoing.destroyed) return;
      const passed = chunk.subarray(from, from + piece);
      summary.answerBytes += passed.byteLength;
      outgoing.write(passed);
      await delay((1000 * passed.byteLength) / bytesPerSecond);
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
