/**
 * What can go wrong, as the value of `error.type` and the first word of a remedy.
 * `<where>.<what>`; a code never changes its meaning once it has been released.
 */
export type ErrorCode =
  | "s3.no_such_key"
  | "s3.no_such_bucket"
  | "s3.access_denied"
  | "s3.invalid_credentials"
  | "s3.no_credentials"
  | "s3.wrong_region"
  | "s3.slow_down"
  | "s3.server_error"
  | "s3.bad_request"
  | "s3.changed_while_reading"
  | "s3.key_escape"
  | "git.repository_not_found"
  | "git.authentication_failed"
  | "git.host_key_mismatch"
  | "git.revision_not_found"
  | "git.lfs_failed"
  | "git.refused"
  | "git.failed"
  | "http.not_found"
  | "http.unauthorized"
  | "http.status"
  | "archive.corrupt"
  | "archive.path_escape"
  | "archive.unsupported_entry"
  | "archive.limit_exceeded"
  | "archive.source_changed"
  | "disk.full"
  | "disk.permission_denied"
  | "disk.failed"
  | "file.not_found"
  | "transfer.stalled"
  | "transfer.interrupted"
  | "transfer.aborted"
  | "transfer.size_mismatch"
  | "transfer.digest_mismatch"
  | "network.unreachable"
  | "network.dns"
  | "network.tls"
  | "artifact.not_supplied"
  | "artifact.invalid_path"
  | "artifact.unsupported_driver"
  | "artifact.unsupported_operation"
  | "artifact.no_location"
  | "artifact.key_unsupported"
  | "secret.missing"
  | "kubernetes.forbidden"
  | "kubernetes.unauthorized"
  | "kubernetes.not_found"
  | "kubernetes.conflict"
  | "kubernetes.too_large"
  | "kubernetes.unavailable"
  | "kubernetes.failed"
  | "template.invalid"
  | "config.invalid"
  | "internal";

export interface ErrorInit {
  code: ErrorCode;
  /** True when the same call may succeed later. Whoever meets the failure decides; callers retry. */
  transient?: boolean;
  /** One sentence that tells a person what to change. Never contains a secret. */
  remedy?: string;
  cause?: unknown;
}

/**
 * The only error that leaves a driver or an archive. Its message names the thing and the place,
 * because a pod's log is often all that is left to read; it never contains a credential.
 */
export class ArtifactError extends Error {
  override readonly name = "ArtifactError";
  readonly code: ErrorCode;
  readonly transient: boolean;
  readonly remedy: string | undefined;

  constructor(message: string, init: ErrorInit) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.code = init.code;
    this.transient = init.transient ?? false;
    this.remedy = init.remedy;
  }
}

/** Thrown when a template cannot be read or does not have the shape of one. Names the source it came from. */
export class ContractError extends Error {
  override readonly name = "ContractError";
  readonly code: ErrorCode = "template.invalid";
}

/**
 * Thrown when the environment or the flags are wrong. `exitCode` is the one the executor contract (§2.3)
 * gives for the case: 1 for a fatal log, 2 where upstream panics.
 */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
  readonly code: ErrorCode = "config.invalid";
  readonly exitCode: 1 | 2;

  constructor(message: string, init: { exitCode: 1 | 2; cause?: unknown }) {
    super(message, init.cause === undefined ? undefined : { cause: init.cause });
    this.exitCode = init.exitCode;
  }
}

/** The codes that make an `optional: true` artifact skippable (contract §6 step 9, §11.1). */
const NOT_FOUND_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "s3.no_such_key",
  "http.not_found",
  "file.not_found",
  "artifact.not_supplied",
]);

/** Whether the error says that the thing asked for does not exist. */
export function isNotFound(error: unknown): boolean {
  return error instanceof ArtifactError && NOT_FOUND_CODES.has(error.code);
}

/** The taxonomy code an error carries, or `internal` for one that is not ours. */
export function errorCode(error: unknown): ErrorCode {
  if (error instanceof ArtifactError || error instanceof ContractError || error instanceof ConfigError) {
    return error.code;
  }
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === "string" && /^[a-z0-9]+\.[a-z_]+$/.test(code) ? (code as ErrorCode) : "internal";
}

/** The text of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
