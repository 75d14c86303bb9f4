import type { StoreCertificate } from "@skein/artifacts";
import { ArtifactError, errorMessage } from "@skein/contract";
import { type Check, fail, ok, skip, warn } from "../check.ts";

const DAY_MS = 24 * 60 * 60 * 1000;
/** Long enough for whoever renews certificates by hand. */
const EXPIRES_SOON_MS = 14 * DAY_MS;

/** Whether the store answers at all: name, network, proxy, TLS. */
export const s3Endpoint: Check = {
  id: "s3-endpoint",
  title: "S3 endpoint",
  needs: ["repository", "s3-addressing"],
  after: ["dns"],
  stuck: {
    say: "the store accepts no connection or says nothing: let pods reach its host and port (docs/install.md, Network), and check the proxy in HTTPS_PROXY or HTTP_PROXY",
  },
  stuckOutside: {
    say: "the store accepts no connection from this machine or says nothing: it may be reachable from the cluster only (skein doctor --pod | kubectl create -f -, or kubectl port-forward); else look for a VPN, a firewall, and the proxy in HTTPS_PROXY or HTTP_PROXY",
  },
  async run(examination, { signal, found }) {
    if (!(await examination.repository()).location?.s3) return skip("the artifact repository is not in S3");
    const store = await examination.storeToStrangers();
    try {
      const { status, server, certificate } = await examination.greeting();
      const says = [`${store.address.origin} answers with ${status}`, server ? `server ${server}` : ""];
      if (certificate) says.push(describe(certificate));
      const evidence = says.filter(Boolean).join("; ");
      const leftMs = certificate ? certificate.expiresAt.getTime() - Date.now() : Number.POSITIVE_INFINITY;
      if (leftMs > EXPIRES_SOON_MS) return ok(evidence);
      return warn(
        evidence,
        `renew the store's certificate: it expires in ${Math.max(0, Math.floor(leftMs / DAY_MS))} days`,
      );
    } catch (error) {
      if (!(error instanceof ArtifactError)) throw error;
      if (error.code === "network.dns" && found.get("dns")?.status === "fail") return skip("dns comes first");
      if (error.code !== "network.tls") throw error;
      const shown = await store.shownCertificate(signal).catch(() => undefined);
      // Without a certificate the two do not speak the same protocol, and the error's own remedy says so.
      if (!shown) throw error;
      return untrusted(error, shown, store.address.host);
    }
  },
};

function untrusted(error: ArtifactError, shown: StoreCertificate, host: string) {
  const evidence = `${errorMessage(error)}; it shows ${describe(shown)}`;
  const cause = codeOf(error);
  if (cause === "CERT_HAS_EXPIRED") return fail(evidence, "renew the store's certificate");
  if (cause === "CERT_NOT_YET_VALID") return fail(evidence, "set this machine's clock, or the store's");
  if (cause === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return fail(
      evidence,
      `use a name that the certificate has in the endpoint, or give the store one for ${host}; where the bucket stands in the host, addressingStyle: path spares it`,
    );
  }
  return fail(
    evidence,
    `have executors trust the authority "${shown.issuer}": put its certificate into a secret and name it in the repository's s3 (or see docs/install.md, Private certificate authorities)`,
    ["caSecret:", "  name: store-ca", "  key: ca.crt"],
  );
}

function codeOf(error: unknown): string {
  const { code, cause } = error as { code?: unknown; cause?: unknown };
  if (typeof code === "string" && /^[A-Z_0-9]+$/.test(code)) return code;
  return cause === undefined ? "" : codeOf(cause);
}

function describe({ subject, issuer, expiresAt }: StoreCertificate): string {
  const by = subject === issuer ? "itself" : issuer;
  return `a certificate of ${subject}, signed by ${by}, good until ${expiresAt.toISOString().slice(0, 10)}`;
}
