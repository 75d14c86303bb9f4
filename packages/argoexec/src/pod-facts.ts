import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Environment } from "@skein/contract";
import { parsePodClaims } from "@skein/telemetry";

export interface PodFacts {
  namespace: string;
  /** Where the token says that the pod runs. */
  nodeName: string | undefined;
}

/**
 * What the mounted service account tells, for spans and logs. Kept apart from the Kubernetes client, so that `init`,
 * which calls no API, does not load it.
 *
 * @param serviceAccount the directory that holds `token` and `namespace`; a pod may have none
 */
export async function readPodFacts(
  env: Environment,
  serviceAccount: string,
  namespaceFlag: string | undefined,
): Promise<PodFacts> {
  const [token, namespace] = await Promise.all([
    readOptional(join(serviceAccount, "token")),
    readOptional(join(serviceAccount, "namespace")),
  ]);
  return {
    namespace: namespaceFlag || env.POD_NAMESPACE || namespace?.trim() || "default",
    nodeName: parsePodClaims(token).nodeName,
  };
}

async function readOptional(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined; // automountServiceAccountToken: false
  }
}
