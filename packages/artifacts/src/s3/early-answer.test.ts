import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, it } from "vitest";
import { connectorTo, observedTransfer, s3Location } from "../test-support.ts";

const BODY_BYTES = 32 * 1024 * 1024;

/** Answers when it has seen the beginning of a request, and reads on when it is told to. */
async function startHastyServer(answer: string) {
  const accepted = Promise.withResolvers<Socket>();
  let bytes = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {}); // it is reset by the other side
    socket.on("data", (chunk) => {
      bytes += chunk.length;
      if (bytes > chunk.length) return;
      socket.write(answer);
      socket.pause();
      accepted.resolve(socket);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** What comes until the connection ends, or until a whole body has come. */
    async readOn(): Promise<number> {
      const socket = await accepted.promise;
      const closed = once(socket, "close");
      const whole = new Promise<void>((resolve) => {
        socket.on("data", () => {
          if (bytes >= BODY_BYTES) resolve();
        });
      });
      socket.resume();
      await Promise.race([closed, whole]);
      socket.destroy();
      return bytes;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      (await accepted.promise).destroy();
      await closed;
    },
  };
}

describe("a body that is answered before all of it has been sent", () => {
  it.each([
    ["a refusal", "HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\n\r\n"],
    ["a confirmation", 'HTTP/1.1 200 OK\r\netag: "e"\r\ncontent-length: 0\r\n\r\n'],
  ])("with %s is sent no further: its memory goes to somebody else", async (_what, answer) => {
    await using server = await startHastyServer(answer);
    const keys = { accessKey: "access", secretKey: "secret" };
    await using connector = connectorTo(keys);
    const at = s3Location({ ...keys, endpoint: server.endpoint, bucket: "b" }, "key");
    const store = await connector.connect(at, observedTransfer().transfer);
    const part = { number: 1, body: Buffer.alloc(BODY_BYTES) };
    await store
      .uploadPart("key", "id", part, { signal: new AbortController().signal })
      .catch(() => undefined);
    expect(await server.readOn()).toBeLessThan(BODY_BYTES);
  });
});
