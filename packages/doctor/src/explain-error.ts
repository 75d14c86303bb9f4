import { ArtifactError, ConfigError, type ErrorCode, errorCode, errorMessage } from "@skein/contract";
import type { Check, Finding, Fix } from "./check.ts";
import type { Examination } from "./examination.ts";

const NETWORK =
  "let pods reach it: a network policy, a firewall or a proxy is between, or nothing listens there (docs/install.md, Network)";

/** Where an error brings no remedy of its own. */
const REMEDIES: Partial<Record<ErrorCode, string>> = {
  "network.dns":
    "check the host name where it is configured, and the cluster's DNS (port 53 in network policies)",
  "network.unreachable": NETWORK,
  "network.tls": "trust the authority that has signed the server's certificate",
  "transfer.interrupted": NETWORK,
  "transfer.stalled": NETWORK,
  "s3.no_such_bucket": "create the bucket, or correct its name",
  "s3.server_error": "the store has trouble of its own: look at its logs, and try again",
  "s3.slow_down": "the store asks for less: try again when it is less busy",
  "kubernetes.unavailable": "the API server has trouble of its own: try again",
};

const NETWORK_HERE =
  "check that the server runs and listens on this port, and that this machine can reach it (VPN, firewall, proxy, port-forward); pods may reach it all the same: skein doctor --pod | kubectl create -f -";

/** Outside a cluster the remedies that errors bring, which are a pod's, would send people the wrong way. */
const REMEDIES_OUTSIDE: Partial<Record<ErrorCode, string>> = {
  "network.dns":
    "check the host name where it is configured, and this machine's DNS; names of services are known in the cluster only: skein doctor --pod | kubectl create -f -",
  "network.unreachable": NETWORK_HERE,
  "network.tls":
    "have this machine trust the authority that has signed the server's certificate (SSL_CERT_FILE; for the API server, certificate-authority in the kubeconfig)",
  "transfer.interrupted": NETWORK_HERE,
  "transfer.stalled": NETWORK_HERE,
};

/** What to do when a check does not end in time, where it runs. */
export function stuckFix(
  { stuck, stuckOutside }: Pick<Check, "stuck" | "stuckOutside">,
  { inPod }: Pick<Examination, "inPod">,
): Fix {
  return inPod ? stuck : (stuckOutside ?? stuck);
}

/** A failure out of whatever a check has thrown. */
export function explainError(
  error: unknown,
  check: Pick<Check, "stuck" | "stuckOutside">,
  at: Pick<Examination, "inPod">,
): Finding {
  const code = errorCode(error);
  const evidence = shorten(errorMessage(error)) || "failed without a word";
  if (error instanceof ConfigError) {
    return {
      status: "fail",
      evidence,
      code,
      fix: { say: "set the variable right where the message names it, or take it out" },
    };
  }
  const own = error instanceof ArtifactError ? error.remedy : undefined;
  // Which protocol is spoken on a port is the same from everywhere.
  const isOfProtocol = own?.includes("`insecure: true`") ?? false;
  const outside = at.inPod || isOfProtocol ? undefined : REMEDIES_OUTSIDE[code];
  const say = outside ?? own ?? REMEDIES[code] ?? stuckFix(check, at).say;
  return { status: "fail", evidence, code, fix: { say } };
}

/** Without the words that logs are searched for, and without what libraries add for those who know their source. */
export function shorten(message: string): string {
  return message
    .replace(/(?: \(\d{4}-[^)]*Z\))?\.? Resolution note: $/, "")
    .replace(/^failed to (get|put) (file|directory): /, "")
    .replace(/[0-9A-F]{8,}:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):\S+:\d+:\s*/, "$1");
}
