import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { freePort } from "../../support/free-port.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../support/loopback-certificate.ts";
import { NODE } from "../cluster/access.ts";
import { createKubeClient, type KubeClient } from "../cluster/kube-client.ts";
import { type Server, startServer } from "../cluster/process.ts";

const PROGRAM = join(import.meta.dirname, "../../../.tools/bin/kubelet-exec");

/** The part of a kubelet's API that `exec` of the API server reaches; the node's status says where it is. */
export async function startExecServer(
  admin: KubeClient,
  { directory, containersConf }: { directory: string; containersConf: string },
): Promise<Server> {
  const port = await freePort();
  const [certificate, key] = [join(directory, "kubelet.crt"), join(directory, "kubelet.key")];
  writeFileSync(certificate, LOOPBACK_CERTIFICATE);
  writeFileSync(key, LOOPBACK_KEY, { mode: 0o600 });
  const client = createKubeClient(port, LOOPBACK_CERTIFICATE, "");
  try {
    const server = await startServer({
      argv: [PROGRAM, `127.0.0.1:${port}`, certificate, key],
      env: { CONTAINERS_CONF: containersConf },
      log: join(directory, "kubelet-exec.log"),
      isReady: async () => (await client.get<string>("/healthz")) === "ok",
    });
    await admin.patch(`/api/v1/nodes/${NODE}/status`, {
      status: {
        addresses: [{ type: "InternalIP", address: "127.0.0.1" }],
        daemonEndpoints: { kubeletEndpoint: { Port: port } },
      },
    });
    return server;
  } finally {
    client.close();
  }
}
