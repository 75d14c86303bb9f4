import { ArtifactError } from "@skein/contract";

const AWAY = new Set(["network.unreachable", "kubernetes.unavailable"]);
const REFUSALS = new Set(["kubernetes.unauthorized", "kubernetes.forbidden", "kubernetes.not_found"]);

/** Long enough for a server to read what it has to know; after that a refusal is one. */
const DELAYS_MS = [500, 1000, 2000, 4000];

/**
 * An API server that comes back answers before it has read its Roles, service accounts and custom resources, and
 * refuses for a moment what it will allow (kube-apiserver does so until it says that it is ready). So a refusal after an
 * absence is asked again a few times.
 *
 * @returns a function to be told of each failure of one call in turn: how many milliseconds to wait before a refusal is
 *   asked again, `undefined` when the failure is to be taken at its word
 */
export function createAbsenceMemory(): (error: unknown) => number | undefined {
  let refusals: number | undefined; // none is counted while the server has not been away
  return (error) => {
    if (!(error instanceof ArtifactError)) return undefined;
    if (AWAY.has(error.code)) refusals ??= 0;
    if (!REFUSALS.has(error.code) || refusals === undefined) return undefined;
    refusals += 1;
    return DELAYS_MS[refusals - 1];
  };
}
