/** What a bound service-account token says about the pod it was made for. */
export interface PodClaims {
  namespace?: string;
  podName?: string;
  podUid?: string;
  nodeName?: string;
  serviceAccountName?: string;
}

/**
 * Reads the claims of a bound service-account token without verifying it: they only describe the trace's resource.
 * A token that has none (a legacy one, or before Kubernetes 1.29 for the node) gives an empty object.
 * https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/#schema-for-service-account-private-claims
 */
export function parsePodClaims(token: string | undefined): PodClaims {
  const payload = token?.trim().split(".")[1];
  if (!payload) return {};
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const kubernetes = field(claims, "kubernetes.io");
    return compact({
      namespace: text(field(kubernetes, "namespace")),
      podName: text(field(field(kubernetes, "pod"), "name")),
      podUid: text(field(field(kubernetes, "pod"), "uid")),
      nodeName: text(field(field(kubernetes, "node"), "name")),
      serviceAccountName: text(field(field(kubernetes, "serviceaccount"), "name")),
    });
  } catch {
    return {}; // not a JWT: some other kind of token, which is no business of tracing
  }
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function compact(claims: { [Name in keyof PodClaims]: PodClaims[Name] | undefined }): PodClaims {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined));
}
