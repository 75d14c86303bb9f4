import { once } from "node:events";
import { Agent, createServer, get, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bodyChunks } from "./body-chunks.ts";

const content = Buffer.alloc(2_000_000, "0123456789");
let respond: (response: ServerResponse) => void = () => {};
const server = createServer((_request, response) => respond(response));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  agent.destroy();
  server.closeAllConnections();
  server.close();
});

describe("bodyChunks", () => {
  it("brings the body in order to a consumer that takes its time, and leaves the connection for the next request", async () => {
    respond = (response) => response.end(content);
    const ports = new Set<number | undefined>();
    for (let request = 0; request < 3; request++) {
      const answer = await fetchAnswer();
      ports.add(answer.socket.localPort);
      const chunks: Uint8Array[] = [];
      for await (const chunk of bodyChunks(answer)) {
        chunks.push(chunk);
        await new Promise(setImmediate);
      }
      expect(Buffer.concat(chunks).equals(content)).toBe(true);
    }
    expect(ports.size).toBe(1);
  });

  it("hands out what came before the connection broke, and then fails", async () => {
    respond = (response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write("some", () => response.socket?.resetAndDestroy());
    };
    const got: string[] = [];
    const read = async (): Promise<void> => {
      for await (const chunk of bodyChunks(await fetchAnswer())) got.push(chunk.toString());
    };
    await expect(read()).rejects.toMatchObject({ code: "ECONNRESET" });
    expect(got).toEqual(["some"]);
  });

  it("fails at once when the answer was gone before anybody read it", async () => {
    respond = (response) => response.writeHead(200, { "content-length": 10 }).flushHeaders();
    const answer = await fetchAnswer();
    answer.on("error", () => {});
    answer.destroy(new Error("given up"));
    await new Promise((resolve) => answer.on("close", resolve));
    await expect(bodyChunks(answer).next()).rejects.toThrow("given up");
  });

  it("ends the connection when its consumer does not want the rest", async () => {
    respond = (response) => {
      response.writeHead(200, { "content-length": content.length });
      response.write(content.subarray(0, 1000));
    };
    const answer = await fetchAnswer();
    const { socket } = answer;
    for await (const _chunk of bodyChunks(answer)) break;
    if (!socket.destroyed) await once(socket, "close");
    expect(socket.destroyed).toBe(true);
  });
});

function fetchAnswer(): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    get({ host: "127.0.0.1", port, agent }, resolve).on("error", reject);
  });
}
