import { ArtifactError } from "@skein/contract";
import { explainingDisk } from "./disk-error.ts";

/** What is saved is not what it was when it was listed. Never `file.not_found`: an artifact that may be missing would be left out. */
export function sourceChanged(message: string, cause?: unknown): ArtifactError {
  return new ArtifactError(message, {
    code: "archive.source_changed",
    remedy:
      "Wait for background processes to end, or write to a temporary file and rename it, before the step ends.",
    cause,
  });
}

/** Runs `open` on something that was listed as `what`, without following a link. */
export function openingListed<T>(path: string, what: "file" | "directory" | "link", open: () => T): T {
  return explainingDisk(
    () => `cannot open ${path}`,
    () => {
      try {
        return open();
      } catch (error) {
        throw goneOrReplaced(error, path, what) ?? error;
      }
    },
  );
}

function goneOrReplaced(error: unknown, path: string, what: string): ArtifactError | undefined {
  switch ((error as NodeJS.ErrnoException).code) {
    case "ENOENT":
      return sourceChanged(`${path} was removed while it was being saved`, error);
    case "ENOTDIR":
    case "ELOOP":
    case "EINVAL": // readlink(2) of what is no link
    case "ENXIO": // a socket, or a pipe that nobody reads
      return replaced(path, what, error);
    default:
      return undefined;
  }
}

export function replaced(path: string, what: string, cause?: unknown): ArtifactError {
  return sourceChanged(
    `${path} was a ${what} and is none any more: it was replaced while it was being saved`,
    cause,
  );
}
