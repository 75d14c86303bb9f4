import { once } from "node:events";
import { Agent, createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exchange } from "./http-exchange.ts";

describe("exchange", () => {
  const server = createServer((request, response) => response.end(request.headers.host));

  beforeEach(async () => {
    server.listen(0, "::1");
    await once(server, "listening");
  });

  afterEach(() => {
    server.close();
  });

  it("reaches a server by its IPv6 address, which stands in brackets in an endpoint", async () => {
    const { port } = server.address() as AddressInfo;
    const url = new URL(`http://[::1]:${port}`);
    const answer = await exchange({
      origin: { isPlain: true, hostname: url.hostname, port: url.port },
      path: "/",
      method: "GET",
      headers: { host: url.host },
      agent: new Agent(),
      signal: AbortSignal.timeout(10_000),
      idleTimeoutMs: 10_000,
    });
    expect(await text(answer)).toBe(`[::1]:${port}`);
  });
});
