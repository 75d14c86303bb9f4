import type { GitLocation, S3Location } from "@skein/contract";
import type { GitSettings } from "./git/git-settings.ts";
import type { RepositoryHead } from "./git/inspect-repository.ts";
import type { InspectedStore } from "./s3/inspect-store.ts";
import type { ConnectionSettings } from "./s3/s3-connection.ts";
import type { SecretReader } from "./secret-reader.ts";

// Loaded when they are called: whoever moves artifacts comes by here, too, and needs neither.

/**
 * Opens an S3 location for whoever wants to know how it is reached, and not for transfers.
 *
 * @throws ArtifactError `secret.missing`, `s3.bad_request` for an endpoint that is none
 */
export async function inspectStore(
  at: S3Location,
  readSecret: SecretReader,
  settings: ConnectionSettings,
): Promise<InspectedStore> {
  const { openInspectedStore } = await import("./s3/inspect-store.ts");
  return openInspectedStore(at, readSecret, settings);
}

/**
 * Asks a git repository for its default branch, with the address, credentials and host keys that a load would go by.
 *
 * @throws ArtifactError `git.*`, `network.*`, `secret.missing`
 */
export async function inspectRepository(
  at: GitLocation,
  options: { secrets: SecretReader; settings: GitSettings; signal: AbortSignal },
): Promise<RepositoryHead> {
  const { readRepositoryHead } = await import("./git/inspect-repository.ts");
  return readRepositoryHead(at, options);
}

/**
 * How many host keys a file of known hosts has.
 *
 * @throws the file system's error when it cannot be read
 */
export async function countKnownHosts(path: string): Promise<number> {
  const { keysOfHosts } = await import("./git/known-hosts.ts");
  return keysOfHosts(path);
}
