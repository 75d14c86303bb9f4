import { mkdirSync } from "node:fs";
import { type ApiServer, startApiServer } from "./api-server.ts";
import { startEtcd } from "./etcd.ts";

/** etcd and an API server with RBAC, and nothing that acts on what is in it. */
export interface ControlPlane extends AsyncDisposable {
  api: ApiServer;
}

/** @param directory is made */
export async function startControlPlane(directory: string): Promise<ControlPlane> {
  mkdirSync(directory, { recursive: true });
  const etcd = await startEtcd(directory);
  try {
    const api = await startApiServer(directory, etcd.endpoint);
    return {
      api,
      async [Symbol.asyncDispose]() {
        await api.stop();
        await etcd.kill(); // nobody needs what it holds
      },
    };
  } catch (error) {
    await etcd.kill();
    throw error;
  }
}
