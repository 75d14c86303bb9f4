import { readFile } from "node:fs/promises";
import type { SecretReader } from "@skein/artifacts";
import { ArtifactError, errorMessage, type Paths, Secret } from "@skein/contract";
import { fileError } from "./file-error.ts";

/**
 * Reads secrets where the kubelet mounts them, `/argo/secret/<name>/<key>`, byte for byte; never through the API
 * (contract §5.6). `optional` on the selector changes nothing, as upstream.
 */
export function createSecretReader(paths: Pick<Paths, "secret">): SecretReader {
  return async ({ name, key }) => {
    const path = paths.secret(name ?? "", key);
    try {
      return new Secret(await readFile(path));
    } catch (error) {
      throw new ArtifactError(errorMessage(fileError(error, path)), {
        code: "secret.missing",
        remedy: `the secret "${name}" has no key "${key}", or the controller did not mount it`,
        cause: error,
      });
    }
  };
}
