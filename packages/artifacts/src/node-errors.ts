import { ArtifactError, type ErrorCode, errorMessage } from "@skein/contract";

/** What a system call or a socket reports, in the words of our taxonomy. */
interface Meaning {
  code: ErrorCode;
  transient: boolean;
  remedy?: string;
}

const INTERRUPTED: Meaning = {
  code: "transfer.interrupted",
  transient: true,
  remedy: "look for proxies and load balancers that end connections early, and at the server's own logs",
};

/** https://nodejs.org/api/errors.html#common-system-errors; classes of contract §21.1 items 7 to 9. */
const NETWORK: Readonly<Record<string, Meaning>> = {
  ENOTFOUND: { code: "network.dns", transient: true, remedy: "check the host name, and the pod's DNS" },
  EAI_AGAIN: { code: "network.dns", transient: true, remedy: "check the pod's DNS" },
  ECONNREFUSED: {
    code: "network.unreachable",
    transient: true,
    remedy: "check that the server runs and listens on this port",
  },
  EHOSTUNREACH: { code: "network.unreachable", transient: true, remedy: "check network policies and routes" },
  ENETUNREACH: { code: "network.unreachable", transient: true, remedy: "check network policies and routes" },
  ETIMEDOUT: { code: "network.unreachable", transient: true, remedy: "check network policies and proxies" },
  ECONNRESET: INTERRUPTED,
  ECONNABORTED: INTERRUPTED,
  EPIPE: INTERRUPTED,
  ERR_STREAM_PREMATURE_CLOSE: INTERRUPTED,
};

const DISK: Readonly<Record<string, Meaning>> = {
  ENOSPC: {
    code: "disk.full",
    transient: false,
    remedy: "ask for more ephemeral storage, or a larger volume",
  },
  EDQUOT: { code: "disk.full", transient: false, remedy: "raise the quota of the volume" },
  EACCES: {
    code: "disk.permission_denied",
    transient: false,
    remedy: "let the executor's user read and write there (securityContext, fsGroup)",
  },
  EPERM: { code: "disk.permission_denied", transient: false },
  EROFS: { code: "disk.permission_denied", transient: false, remedy: "the file system is read-only" },
  ENOENT: { code: "file.not_found", transient: false },
};

/** OpenSSL's words for a server that answers a TLS greeting with something else. */
const NOT_TLS = /wrong version number|packet length too long|unknown protocol/i;
/** Codes of certificate checks: https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const CERTIFICATE = /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_TLS_|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Undefined for an error that does not come from the network. `doing` begins the message. */
export function translateNetworkError(error: unknown, doing: string): ArtifactError | undefined {
  const root = rootCause(error);
  const meaning = networkMeaning(root, errorMessage(error));
  if (!meaning) return undefined;
  return new ArtifactError(`${doing}: ${errorMessage(root) || nodeCode(root)}`, { ...meaning, cause: error });
}

/** An error of the local disk; `doing` begins the message. */
export function translateDiskError(error: unknown, doing: string): ArtifactError {
  if (error instanceof ArtifactError) return error;
  const meaning = DISK[nodeCode(error)] ?? { code: "disk.failed", transient: false };
  return new ArtifactError(`${doing}: ${errorMessage(error)}`, { ...meaning, cause: error });
}

/** The same where something is made. What is missing then is a place, not an artifact that may be left out. */
export function translateWriteError(error: unknown, doing: string): ArtifactError {
  const translated = translateDiskError(error, doing);
  if (translated === error || translated.code !== "file.not_found") return translated;
  return new ArtifactError(translated.message, {
    code: "disk.failed",
    cause: error,
    remedy: "look for whatever removes directories of the volume while it is loaded into",
  });
}

function networkMeaning(root: unknown, text: string): Meaning | undefined {
  const code = nodeCode(root);
  const known = NETWORK[code];
  if (known) return known;
  if (NOT_TLS.test(text)) {
    return {
      code: "network.tls",
      transient: false,
      remedy: "the server does not speak TLS on this port: set `insecure: true`, or use its https port",
    };
  }
  if (CERTIFICATE.test(code)) {
    return {
      code: "network.tls",
      transient: false,
      remedy: "trust the server's certificate authority (caSecret, or the image's certificates)",
    };
  }
  if (code.startsWith("HPE_")) {
    return {
      code: "network.tls",
      transient: false,
      remedy: "the server does not speak plain HTTP on this port: remove `insecure: true`",
    };
  }
  if (/socket hang up|^aborted$|other side closed/i.test(text)) {
    return INTERRUPTED;
  }
  return undefined;
}

/** The innermost error with a system code: libraries wrap it, and two addresses of one host give an AggregateError. */
function rootCause(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return rootCause(error.errors[0]);
  const cause = (error as { cause?: unknown } | undefined)?.cause;
  return cause !== undefined && nodeCode(error) === "" ? rootCause(cause) : error;
}

function nodeCode(error: unknown): string {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : "";
}
