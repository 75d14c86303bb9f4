import { getSystemErrorMessage } from "node:util";
import { ArtifactError, type ErrorCode } from "@skein/contract";

/**
 * Says which file could not be had, and why, without the path of the call, which may be a directory
 * handle's (`/proc/self/fd/…`) and then means nothing to a reader. Anything but a system error passes unchanged.
 */
export function diskError(error: unknown, doing: string): unknown {
  const { code, errno } = error as NodeJS.ErrnoException;
  if (error instanceof ArtifactError || typeof errno !== "number") return error;
  const [category, remedy] = explain(code);
  return new ArtifactError(`${doing}: ${getSystemErrorMessage(errno)}`, {
    code: category,
    cause: error,
    ...(remedy === undefined ? {} : { remedy }),
  });
}

function explain(code: string | undefined): [ErrorCode, remedy?: string] {
  switch (code) {
    case "ENOSPC":
    case "EDQUOT":
      return ["disk.full", "Give the volume more space, or the pod more ephemeral storage."];
    case "EACCES":
    case "EPERM":
    case "EROFS":
      return [
        "disk.permission_denied",
        "Check the owner and mode of the path, and the pod's securityContext.",
      ];
    default:
      return ["disk.failed"];
  }
}

/** Runs `work`; a system error it throws is told as a failure of `doing`. */
export function explainingDisk<T>(doing: () => string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw diskError(error, doing());
  }
}
