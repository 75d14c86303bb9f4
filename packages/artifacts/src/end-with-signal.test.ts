import { once } from "node:events";
import { Agent, createServer, type IncomingMessage, request } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { endWithSignal } from "./end-with-signal.ts";

const reason = new Error("deadline");

/** A server that says `answer`, and nothing more when that is not all of it. */
async function serve(answer: string, isAll: boolean) {
  const server = createServer((_request, response) => {
    if (isAll) response.end(answer);
    else if (answer !== "") response.write(answer);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const agent = new Agent({ keepAlive: true });
  return {
    start(signal: AbortSignal): Promise<IncomingMessage> {
      const started = request({ port: (server.address() as AddressInfo).port, agent });
      endWithSignal(started, signal);
      started.end();
      return new Promise((resolve, reject) => started.once("response", resolve).on("error", reject));
    },
    async [Symbol.asyncDispose]() {
      agent.destroy();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("endWithSignal", () => {
  it("ends a request that has no answer yet", async () => {
    await using server = await serve("", false);
    const ended = new AbortController();
    const waiting = server.start(ended.signal);
    ended.abort(reason);
    await expect(waiting).rejects.toMatchObject({ name: "AbortError", cause: reason });
    await expect(server.start(ended.signal)).rejects.toMatchObject({ name: "AbortError", cause: reason });
  });

  it("ends an answer within its body", async () => {
    await using server = await serve("the first bytes only", false);
    const ended = new AbortController();
    const answer = await server.start(ended.signal);
    const reading = (async () => {
      for await (const _chunk of answer) ended.abort(reason);
    })();
    await expect(reading).rejects.toMatchObject({ name: "AbortError", cause: reason });
  });

  it("throws nothing into the void when the answer has arrived and is not read to its end", async () => {
    await using server = await serve("body", true);
    const uncaught: unknown[] = [];
    const catchIt = (error: unknown): unknown => uncaught.push(error);
    process.prependListener("uncaughtException", catchIt);
    try {
      for (let round = 0; round < 20; round++) {
        const ended = new AbortController();
        const answer = await server.start(ended.signal);
        while (!answer.complete) await new Promise((resolve) => setImmediate(resolve));
        const closed = new Promise((resolve) => answer.once("close", resolve));
        const body = answer[Symbol.asyncIterator]();
        await body.next();
        const rest = body.next().catch(() => undefined);
        ended.abort(reason);
        await Promise.all([rest, closed]);
      }
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.off("uncaughtException", catchIt);
    }
    expect(uncaught).toEqual([]);
  });
});
