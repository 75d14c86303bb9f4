import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { ConfigError, type Environment } from "@skein/contract";
import type { Connection, ConnectionFlags } from "./connection.ts";
import { inClusterConnection, isInCluster } from "./in-cluster.ts";
import { applyFlags, kubeconfigConnection } from "./kubeconfig.ts";
import { inClusterNamespace } from "./namespace.ts";

export interface ConnectOptions {
  flags: ConnectionFlags;
  env: Environment;
  /** Directory of the mounted service account. */
  serviceAccount: string;
  now?: () => number;
}

/**
 * The API server to talk to, in the order of contract §6.2b: `--kubeconfig`, `KUBECONFIG`, `~/.kube/config`,
 * the pod's own service account; the namespace as §6.2c has it.
 *
 * @throws ConfigError (exit code 2) that says what was tried
 */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const { flags, env, serviceAccount, now } = options;
  const files = kubeconfigFiles(flags, env);
  try {
    if (files.length > 0) return await applyFlags(await kubeconfigConnection(files, flags), flags);
    if (isInCluster(env)) {
      const namespace = flags.namespace || (await inClusterNamespace(env, serviceAccount));
      return await applyFlags(await inClusterConnection(env, serviceAccount, namespace, now), flags);
    }
  } catch (error) {
    const tried =
      files.length > 0 ? `kubeconfig ${files.join(", ")}` : `service account in ${serviceAccount}`;
    throw new ConfigError(
      `cannot configure the Kubernetes client from ${tried}: ${(error as Error).message}`,
      {
        exitCode: 2,
        cause: error,
      },
    );
  }
  throw new ConfigError(
    "cannot configure the Kubernetes client: no --kubeconfig, no KUBECONFIG, no ~/.kube/config, and not in a pod (KUBERNETES_SERVICE_HOST is not set)",
    { exitCode: 2 },
  );
}

function kubeconfigFiles(flags: ConnectionFlags, env: Environment): string[] {
  if (flags.kubeconfig) return [flags.kubeconfig];
  // As for kubectl, files that do not exist are passed over, but then `~/.kube/config` is not looked at either.
  if (env.KUBECONFIG) {
    return env.KUBECONFIG.split(delimiter).filter((file) => file !== "" && existsSync(file));
  }
  const own = join(env.HOME || homedir(), ".kube", "config");
  return existsSync(own) ? [own] : [];
}
