import { createSign } from "node:crypto";
import type { KubeClient } from "./kube-client.ts";

/** The shortest life the API server gives. */
const LIFE_SECONDS = 600;

/** A token of the service account that is bound to one pod, as a kubelet asks for it: TokenRequest. */
export async function requestToken(
  admin: KubeClient,
  namespace: string,
  serviceAccount: string,
  pod: { name: string; uid: string },
): Promise<string> {
  const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${serviceAccount}/token`;
  const { status } = await admin.create<{ status: { token: string } }>(path, {
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    spec: {
      expirationSeconds: LIFE_SECONDS,
      boundObjectRef: { apiVersion: "v1", kind: "Pod", name: pod.name, uid: pod.uid },
    },
  });
  return status.token;
}

/** The API server bears clocks that differ by up to a minute. */
const LEEWAY_SECONDS = 60;

/**
 * The same token, as it would be ten minutes later: signed with the API server's own key, and expiring `leftSeconds`
 * from now in the eyes of that server; negative when it expired before.
 */
export function aged(token: string, signingKey: string, leftSeconds: number): string {
  const [header = "", payload = ""] = token.split(".");
  const now = Math.floor(Date.now() / 1000);
  const exp = now - LEEWAY_SECONDS + leftSeconds;
  const iat = exp - LIFE_SECONDS;
  const claims = { ...(decode(payload) as object), exp, iat, nbf: iat };
  const signed = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}`;
  const signature = createSign("RSA-SHA256").update(signed).sign(signingKey).toString("base64url");
  return `${signed}.${signature}`;
}

function decode(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString());
}
