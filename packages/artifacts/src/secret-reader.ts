import type { Secret, SecretKeySelector } from "@skein/contract";

/**
 * Reads one key of a mounted Kubernetes secret: `/argo/secret/<name>/<key>` (contract §5.6).
 *
 * @throws ArtifactError `secret.missing`
 */
export type SecretReader = (selector: SecretKeySelector) => Promise<Secret>;
