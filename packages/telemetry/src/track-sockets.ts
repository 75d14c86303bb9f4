import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";

/** Where Node tells of every client socket: https://nodejs.org/api/diagnostics_channel.html#net */
const CLIENT_SOCKET = "net.client.socket";

/** Runs exports, and knows the sockets they open. */
export interface SocketTracker {
  run<T>(work: () => T): T;
  /** Cuts every connection that is still open, and those that are opened later. */
  destroy(): void;
}

/**
 * Knows the sockets exporters open, so that they can be cut when their time is up. Closing an exporter is not
 * enough: a TLS handshake that never ends keeps grpc-js's socket, and with it the process, alive for good.
 */
export function trackSockets(): SocketTracker {
  const exporting = new AsyncLocalStorage<boolean>();
  const sockets = new Set<Socket>();
  let isOver = false;
  const remember = (message: unknown): void => {
    if (!exporting.getStore()) return;
    const { socket } = message as { socket: Socket };
    // On a machine so busy that the time is up before the first connection is made. It is not made yet when this is called.
    if (isOver) {
      process.nextTick(() => socket.destroy());
      return;
    }
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  subscribe(CLIENT_SOCKET, remember);
  return {
    run: (work) => exporting.run(true, work),
    destroy() {
      isOver = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
