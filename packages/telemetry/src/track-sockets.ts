import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import type { SpanExporter } from "@opentelemetry/sdk-trace-base";

/** Where Node tells of every client socket: https://nodejs.org/api/diagnostics_channel.html#net */
const CLIENT_SOCKET = "net.client.socket";

export interface TrackedExporter {
  exporter: SpanExporter;
  /** Cuts every connection the exporter still has, and forgets about new ones. */
  destroy(): void;
}

/**
 * Knows the sockets an exporter opens, so that they can be cut when its time is up. Closing the exporter is not
 * enough: a TLS handshake that never ends keeps grpc-js's socket, and with it the process, alive for good.
 */
export function trackSockets(exporter: SpanExporter): TrackedExporter {
  const exporting = new AsyncLocalStorage<boolean>();
  const sockets = new Set<Socket>();
  const remember = (message: unknown): void => {
    if (!exporting.getStore()) return;
    const { socket } = message as { socket: Socket };
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  };
  subscribe(CLIENT_SOCKET, remember);
  return {
    exporter: {
      export: (spans, done) => exporting.run(true, () => exporter.export(spans, done)),
      shutdown: () => exporter.shutdown(),
      forceFlush: async () => exporter.forceFlush?.(),
    },
    destroy() {
      unsubscribe(CLIENT_SOCKET, remember);
      for (const socket of sockets) socket.destroy();
    },
  };
}
