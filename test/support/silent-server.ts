import { type AddressInfo, createServer } from "node:net";

/** `127.0.0.1:port` of a server that accepts every connection and never says anything. Lives as long as the tests. */
export async function startSilentServer(): Promise<string> {
  const server = createServer((socket) => socket.on("error", () => {}).resume());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}
