import { createHash, randomBytes } from "node:crypto";
import { Agent, createServer, get, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { releaseReads } from "./release-reads.ts";

const body = randomBytes(3_000_000);
const server = createServer((request, response) => {
  // With and without chunked encoding: then the parser finds several pieces of a body in what was read.
  if (request.url === "/sized") response.setHeader("content-length", body.length);
  response.write(body.subarray(0, 10_000));
  response.end(body.subarray(10_000));
});
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

beforeAll(() => new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve)));
afterAll(() => {
  agent.destroy();
  server.close();
});

describe("releaseReads", () => {
  it("does not change what answers bring, one after another over one connection", async () => {
    const sockets = new Set<Socket>();
    for (const path of ["/sized", "/chunked", "/sized", "/chunked"]) {
      const hash = createHash("sha256");
      for await (const chunk of await fetchOver(sockets, path)) hash.update(chunk);
      expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
    }
    expect(sockets.size).toBe(1);
  });

  it("empties what was read", async () => {
    const reads: Buffer[] = [];
    const sockets = new Set<Socket>();
    const answer = await fetchOver(sockets, "/sized", (socket) => {
      socket.on("data", (chunk: Buffer) => reads.push(chunk));
    });
    for await (const _chunk of answer);
    expect(reads.length).toBeGreaterThan(1);
    expect(reads.filter(({ byteLength }) => byteLength > 0)).toEqual([]);
  });
});

function fetchOver(
  sockets: Set<Socket>,
  path: string,
  watch: (socket: Socket) => void = () => {},
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { port } = server.address() as AddressInfo;
    const request = get({ host: "127.0.0.1", port, path, agent }, resolve);
    request.on("error", reject);
    request.on("socket", (socket) => {
      sockets.add(socket);
      watch(socket);
      releaseReads(socket);
    });
  });
}
