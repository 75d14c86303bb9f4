import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../support/loopback-certificate.ts";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

/** Loads an artifact from a server whose certificate only its own authority has signed. */
async function loadOverTls(cluster: Cluster, request: Partial<PodRequest>): Promise<PodEnd> {
  const server = createServer({ key: LOOPBACK_KEY, cert: LOOPBACK_CERTIFICATE }, (_request, response) => {
    response.end("over TLS");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}/f`;
    return await runPod(cluster, {
      template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/tmp/a", http: { url } }] } },
      config: { "ca.pem": LOOPBACK_CERTIFICATE },
      ...request,
    });
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

const trust: ConformanceCase[] = [
  {
    section: "12.3",
    statement: "an https server is trusted when SSL_CERT_FILE names its authority, as Go's programs have it",
    run: async (cluster) => {
      const end = await loadOverTls(cluster, { env: { SSL_CERT_FILE: "/argo/config/ca.pem" } });
      expect(end.init.exitCode, end.init.log).toBe(0);
      expect(readFileSync(end.input("a"), "utf8")).toBe("over TLS");
    },
  },
  {
    section: "12.3",
    statement: "an https server of an unknown authority is not trusted, and the message says which server",
    run: async (cluster) => {
      const { init } = await loadOverTls(cluster, {});
      expect(init.exitCode).toBe(64);
      expect(init.terminationMessage).toMatch(
        /^artifact a failed to load: .*https:\/\/127\.0\.0\.1:.*certificate/,
      );
    },
  },
];

conformance("whom TLS connections trust", trust);
