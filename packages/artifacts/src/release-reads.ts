import type { Socket } from "node:net";
import { releaseMemory } from "@skein/archive";

const watched = new WeakSet<Socket>();

/**
 * Gives the memory of what a connection reads back as soon as the HTTP parser has gone through it: what an answer's body
 * hands out are copies of it (node_http_parser.cc, `on_body`). Doing it twice for a connection does no harm. Only for connections
 * that speak nothing but HTTP.
 */
export function releaseReads(socket: Socket): void {
  if (watched.has(socket)) return;
  watched.add(socket);
  // Not before all that listen have seen it: the parser begins to listen anew with every request.
  socket.on("data", (chunk: Buffer) => queueMicrotask(() => releaseMemory(chunk)));
}
