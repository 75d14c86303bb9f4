import { arch, platform } from "node:os";
import { basename } from "node:path";
import { type ConnectOptions, connect } from "./connect.ts";
import { createRestClient, type RestClient } from "./rest-client.ts";

export interface KubernetesClientOptions extends ConnectOptions {
  /** Version of the executor, for the user agent. */
  version: string;
}

/**
 * Configures the connection and makes the client.
 *
 * @throws ConfigError (exit code 2) when no connection can be configured
 */
export async function createKubernetesClient(options: KubernetesClientOptions): Promise<RestClient> {
  const connection = await connect(options);
  return createRestClient(connection, {
    userAgent: userAgent(options.version),
    timeoutMs: options.flags.requestTimeoutMs,
  });
}

/** client-go's default text and what argoexec puts behind it (contract §6.2b). */
function userAgent(version: string): string {
  const program = basename(process.argv[1] ?? "argoexec").replace(/\.[a-z]+$/, "");
  return `${program}/${version} (${platform()}/${arch()}) skein argo-workflows/${version} argo-executor`;
}
