import { ArtifactError, type ErrorCode, isTransientText } from "@skein/contract";

/** The RBAC rule an executor needs for container, script and containerSet templates (contract §14.4). */
export const TASK_RESULT_RBAC_RULE =
  '{apiGroups: ["argoproj.io"], resources: ["workflowtaskresults"], verbs: ["create", "patch"]}';

/** What the API server said: the fields of a `v1.Status`. */
export interface StatusFacts {
  /** HTTP status. */
  status: number;
  /** Machine-readable, such as `AlreadyExists`; empty when the body was no `Status`. */
  reason: string;
  message: string;
  /** What a `Retry-After` header asks for. */
  retryAfterMs?: number | undefined;
}

/** An answer of the API server that is not a success. The message is the server's own. */
export class KubernetesError extends ArtifactError {
  readonly status: number;
  readonly reason: string;
  readonly retryAfterMs: number | undefined;

  constructor(facts: StatusFacts) {
    super(facts.message, { code: codeOf(facts), transient: isTransientStatus(facts), ...remedyOf(facts) });
    this.status = facts.status;
    this.reason = facts.reason;
    this.retryAfterMs = facts.retryAfterMs;
  }
}

const TOO_LARGE =
  /etcdserver: request is too large|Request entity too large|trying to send message larger than max/i;

function codeOf({ status, reason, message }: StatusFacts): ErrorCode {
  if (status === 413 || reason === "RequestEntityTooLarge" || TOO_LARGE.test(message))
    return "kubernetes.too_large";
  if (status === 401) return "kubernetes.unauthorized";
  if (status === 403) return "kubernetes.forbidden";
  if (status === 404) return "kubernetes.not_found";
  if (status === 409) return "kubernetes.conflict";
  return status === 429 || status >= 500 ? "kubernetes.unavailable" : "kubernetes.failed";
}

function remedyOf(facts: StatusFacts): { remedy?: string } {
  switch (codeOf(facts)) {
    case "kubernetes.forbidden":
      return {
        remedy: `add this rule to a Role bound to the pod's service account: ${TASK_RESULT_RBAC_RULE}`,
      };
    case "kubernetes.unauthorized":
      return { remedy: "the service account's token was refused: check that it exists and has not expired" };
    case "kubernetes.too_large":
      return { remedy: "make large output parameters output artifacts instead" };
    default:
      return {};
  }
}

const TRANSIENT_REASONS = ["TooManyRequests", "ServerTimeout", "Timeout", "ServiceUnavailable"];

/**
 * Contract §21.1. A plain 500 is no reason to try for ever: a webhook that always fails answers so. The gateways
 * before an API server are ours to forgive: upstream gives up on 502 and on a 504 without a reason.
 */
function isTransientStatus({ status, reason, message }: StatusFacts): boolean {
  if (TOO_LARGE.test(message)) return false;
  if (status === 403) return message.includes("exceeded quota");
  if (status === 409) return message.includes("Operation cannot be fulfilled on resourcequota");
  if ([429, 502, 503, 504].includes(status) || TRANSIENT_REASONS.includes(reason)) return true;
  return isTransientText(message);
}

/** Node's codes for a connection that could not be made or did not last. */
const CONNECTION_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENETDOWN",
  "EAI_AGAIN",
  "ENOTFOUND",
  "ERR_SOCKET_CONNECTION_TIMEOUT",
  "UND_ERR_SOCKET",
]);

/** A connection that failed before there was an answer (contract §21.1, items 7–9). */
export function connectionError(error: unknown, server: URL): ArtifactError {
  const cause = error as NodeJS.ErrnoException;
  const code = cause.code ?? "";
  const message = `cannot reach the API server ${server.origin}: ${cause.message || code}`;
  if (code === "EAI_AGAIN" || code === "ENOTFOUND") {
    return new ArtifactError(message, { code: "network.dns", transient: true, cause });
  }
  if (CONNECTION_CODES.has(code) || cause.message === "socket hang up") {
    return new ArtifactError(message, { code: "network.unreachable", transient: true, cause });
  }
  const isTls = /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_|SELF_SIGNED|UNABLE_TO)/.test(code);
  return new ArtifactError(message, {
    code: isTls ? "network.tls" : "kubernetes.failed",
    ...(isTls ? { remedy: "the server's certificate is not signed by the CA that the pod was given" } : {}),
    cause,
  });
}
