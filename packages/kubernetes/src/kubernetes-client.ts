import { arch, platform } from "node:os";
import type { Logger } from "@skein/contract";
import { type ConnectOptions, connect } from "./connect.ts";
import { createRestClient, type RestClient } from "./rest-client.ts";

export interface KubernetesClientOptions extends ConnectOptions {
  /** Version of the executor, for the user agent. */
  version: string;
  log?: Logger | undefined;
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
    log: options.log,
  });
}

/** In the form of client-go's default text, with argoexec's addition behind it (contract §6.2b). */
export function userAgent(version: string): string {
  const architecture = arch() === "x64" ? "amd64" : arch(); // client-go says it in Go's words
  return `argoexec/${version} (${platform()}/${architecture}) skein/argo-workflows/${version} argo-executor`;
}
