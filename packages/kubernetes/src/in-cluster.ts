import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { type Environment, rememberSecret } from "@skein/contract";
import type { Connection } from "./connection.ts";

/** client-go re-reads the token at most once a minute; bound tokens rotate about hourly. */
const TOKEN_AGE_MS = 60_000;

/** Whether the pod's environment names an API server. */
export function isInCluster(env: Environment): boolean {
  return Boolean(env.KUBERNETES_SERVICE_HOST && env.KUBERNETES_SERVICE_PORT);
}

/**
 * The connection every pod is given: address from the environment, token and CA from the mounted service account.
 *
 * @param serviceAccount directory of `token`, `ca.crt` and `namespace`
 * @throws the file system's error when token or CA cannot be read
 */
export async function inClusterConnection(
  env: Environment,
  serviceAccount: string,
  namespace: string,
  now: () => number = Date.now,
): Promise<Connection> {
  const host = env.KUBERNETES_SERVICE_HOST ?? "";
  const server = new URL(`https://${host.includes(":") ? `[${host}]` : host}:${env.KUBERNETES_SERVICE_PORT}`);
  const ca = await readFile(join(serviceAccount, "ca.crt"));
  const token = rotatingToken(join(serviceAccount, "token"), now);
  await token();
  return {
    server,
    namespace,
    tls: { ca },
    authorization: async (refused) => ({ authorization: `Bearer ${await token(refused)}` }),
  };
}

function rotatingToken(path: string, now: () => number): (refused?: boolean) => Promise<string> {
  let value = "";
  let readAt = Number.NEGATIVE_INFINITY;
  return async (refused = false) => {
    if (refused || now() - readAt >= TOKEN_AGE_MS) {
      try {
        value = (await readFile(path, "utf8")).trim();
        rememberSecret(value);
      } catch (error) {
        // While a token is being replaced the one we have is still good.
        if (value === "") throw error;
      }
      readAt = now();
    }
    return value;
  };
}
