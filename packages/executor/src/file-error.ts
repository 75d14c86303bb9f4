import { ArtifactError, type ErrorCode } from "@skein/contract";

/** How Go spells the errors that users and the controller know from upstream's termination messages. */
const TEXTS: Readonly<Record<string, string>> = {
  ENOENT: "no such file or directory",
  EACCES: "permission denied",
  EPERM: "operation not permitted",
  EISDIR: "is a directory",
  ENOTDIR: "not a directory",
  EEXIST: "file exists",
  ENOSPC: "no space left on device",
  EROFS: "read-only file system",
  ELOOP: "too many levels of symbolic links",
  ENAMETOOLONG: "file name too long",
};

const CODES: Readonly<Record<string, ErrorCode>> = {
  ENOENT: "file.not_found",
  ENOTDIR: "file.not_found",
  EACCES: "disk.permission_denied",
  EPERM: "disk.permission_denied",
  EROFS: "disk.permission_denied",
  ENOSPC: "disk.full",
};

/**
 * A failed system call, told as Go tells it: `open /a/b: no such file or directory`.
 * An error that is ours already is passed through.
 *
 * @param operation the word before the path where the call's own name is not the one Go would give
 */
export function fileError(error: unknown, path: string, operation?: string): Error {
  if (error instanceof ArtifactError) return error;
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (code === undefined || !(error instanceof Error)) {
    return error instanceof Error ? error : new Error(String(error));
  }
  const verb = operation ?? syscall ?? "open";
  const message = `${verb} ${path}: ${TEXTS[code] ?? code}`;
  return new ArtifactError(message, { code: CODES[code] ?? "disk.failed", cause: error });
}

export function isMissingFile(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === "ENOENT" || code === "ENOTDIR";
}
