import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../test/support/loopback-certificate.ts";

export interface BenchApiServer {
  port: number;
  token: string;
  ca: string;
  close(): void;
}

/**
 * Takes every task result that is written, over TLS as in a cluster, and keeps none: the bench measures the executor
 * and not an API server.
 */
export async function startBenchApiServer(): Promise<BenchApiServer> {
  const server = createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }, (request, response) => {
    request.resume().on("end", () => {
      response.writeHead(request.method === "POST" ? 201 : 200, { "content-type": "application/json" });
      response.end('{"kind":"WorkflowTaskResult","apiVersion":"argoproj.io/v1alpha1"}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    token: "bench",
    ca: LOOPBACK_CERTIFICATE,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
