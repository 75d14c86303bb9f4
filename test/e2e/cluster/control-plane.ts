import { mkdirSync } from "node:fs";
import { installAccess } from "./access.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";
import { installCustomResources } from "./custom-resources.ts";
import { documentedRole } from "./documented-role.ts";
import { startEtcd } from "./etcd.ts";

/** etcd, an API server with RBAC, and what an administrator has set up in it. */
export interface ControlPlane extends AsyncDisposable {
  api: ApiServer;
}

export async function startControlPlane(directory: string): Promise<ControlPlane> {
  mkdirSync(directory, { recursive: true });
  const etcd = await startEtcd(directory);
  try {
    const api = await startApiServer(directory, etcd.endpoint);
    await installCustomResources(api.admin);
    await installAccess(api.admin, api.ca, documentedRole());
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
