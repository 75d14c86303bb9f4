import { createServer, get } from "node:http";
import type { AddressInfo } from "node:net";
import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { watchStalls, whileSending } from "./watch-stalls.ts";

const options = (stalls: number[]) => ({
  timeoutMs: 300,
  what: "the connection",
  abort: () => {},
  onStall: (ms: number) => void stalls.push(ms),
});

describe("watchStalls", () => {
  it("does not take a process that had no time for a connection that stands still", async () => {
    const server = createServer((_request, response) => {
      response.write("first");
      response.on("close", () => {});
      setTimeout(() => response.end("second"), 10);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const body = await new Promise<AsyncIterable<Uint8Array>>((resolve) => get({ port }, resolve));
    const stalls: number[] = [];
    let isFirst = true;
    const seen: string[] = [];
    for await (const chunk of watchStalls(body, options(stalls))) {
      seen.push(Buffer.from(chunk).toString());
      // The server's timer and our own are due when this is over; the bytes are there a moment later.
      if (isFirst) setImmediate(() => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 700));
      isFirst = false;
    }
    expect(seen.join("")).toBe("firstsecond");
    expect(stalls).toEqual([]);
    server.close();
  });
});

describe("whileSending", () => {
  it("leaves a connection that takes nothing, and says what it did", async () => {
    const stalls: number[] = [];
    const { promise, reject } = Promise.withResolvers<never>();
    const sending = whileSending(
      (onSent) => {
        onSent(false);
        return promise;
      },
      { ...options(stalls), abort: reject },
    );
    await expect(sending).rejects.toMatchObject({
      code: "transfer.stalled",
      message: "the connection took nothing for 0.3 s",
    });
    expect(stalls).toEqual([300]);
  });

  it("takes a connection for one that stood still when all was sent and it ends without an answer", async () => {
    const stalls: number[] = [];
    const unreachable = new ArtifactError("no answer in time", {
      code: "network.unreachable",
      transient: true,
      remedy: "none",
    });
    const sending = whileSending(async (onSent) => {
      onSent(true);
      await new Promise((resolve) => setTimeout(resolve, 350));
      throw unreachable;
    }, options(stalls));
    await expect(sending).rejects.toBe(unreachable);
    expect(stalls).toHaveLength(1);
    expect(stalls[0]).toBeGreaterThanOrEqual(300);
  });

  it("gives the other side time once it has everything", async () => {
    const stalls: number[] = [];
    const sending = whileSending(async (onSent) => {
      onSent(false);
      onSent(true);
      await new Promise((resolve) => setTimeout(resolve, 500));
      return "stored";
    }, options(stalls));
    expect(await sending).toBe("stored");
    expect(stalls).toEqual([]);
  });
});
