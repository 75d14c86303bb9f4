import { readFile } from "node:fs/promises";
import type { SecretReader } from "@skein/artifacts";
import { ArtifactError, errorMessage, type Paths, Secret } from "@skein/contract";
import type { RestClient } from "@skein/kubernetes";

export interface SecretSources {
  paths: Pick<Paths, "secret">;
  client: RestClient | undefined;
  namespace: string;
  limit: () => AbortSignal;
}

/**
 * Reads secrets where a pod has them mounted, and else through the API where that is allowed. What is read is never
 * printed: it goes into a {@link Secret} at once.
 */
export function createSecretReader({ paths, client, namespace, limit }: SecretSources): SecretReader {
  return async ({ name = "", key }) => {
    const path = paths.secret(name, key);
    try {
      return new Secret(await readFile(path));
    } catch {
      // Not mounted, as it is in a pod only.
    }
    const object = client && (await readSecret(client, namespace, name, path, limit()));
    const value = object?.data?.[key];
    if (value !== undefined) return new Secret(Buffer.from(value, "base64"));
    throw new ArtifactError(
      client
        ? `the secret "${name}" in ${namespace} has no key "${key}"; it has ${Object.keys(object?.data ?? {}).join(", ") || "none"}`
        : `the secret "${name}" is not mounted at ${path}, and there is no API server to ask`,
      { code: "secret.missing", remedy: `name a key that the secret has, or add "${key}" to it` },
    );
  };
}

async function readSecret(
  client: RestClient,
  namespace: string,
  name: string,
  mountPath: string,
  signal: AbortSignal,
): Promise<{ data?: Record<string, string> }> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/secrets/${encodeURIComponent(name)}`;
  try {
    return (await client.send({ method: "GET", path, signal })) as { data?: Record<string, string> };
  } catch (error) {
    const status = (error as { status?: number }).status;
    const said = `the secret "${name}" is not mounted at ${mountPath}, and the API server says: ${errorMessage(error)}`;
    if (status === 404) {
      throw new ArtifactError(said, {
        code: "secret.missing",
        remedy: `create the secret "${name}" in the namespace ${namespace}: pods can only mount secrets of their own`,
        cause: error,
      });
    }
    throw new ArtifactError(said, {
      code: "secret.missing",
      remedy:
        "run the checks in a pod that has it mounted: in the wait container of a workflow's pod, or in the Pod that skein doctor --pod prints",
      cause: error,
    });
  }
}
