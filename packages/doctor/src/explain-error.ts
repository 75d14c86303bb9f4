import { ArtifactError, ConfigError, type ErrorCode, errorCode, errorMessage } from "@skein/contract";
import type { Check, Finding } from "./check.ts";

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

/** A failure out of whatever a check has thrown. */
export function explainError(error: unknown, check: Pick<Check, "stuck">): Finding {
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
  const say = own ?? REMEDIES[code] ?? check.stuck.say;
  return { status: "fail", evidence, code, fix: { say } };
}

/** Without the words that logs are searched for, and without what libraries add for those who know their source. */
export function shorten(message: string): string {
  return message
    .replace(/(?: \(\d{4}-[^)]*Z\))?\.? Resolution note: $/, "")
    .replace(/^failed to (get|put) (file|directory): /, "")
    .replace(/[0-9A-F]{8,}:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):\S+:\d+:\s*/, "$1");
}
