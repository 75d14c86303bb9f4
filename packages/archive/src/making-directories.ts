import { fchmodSync, mkdirSync, openSync } from "node:fs";
import { ArtifactError } from "@skein/contract";
import type { CleanName } from "./clean-entry-name.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import { OPEN_DIRECTORY, type OpenBelow } from "./directory-handles.ts";
import { explainingDisk } from "./disk-error.ts";
import { toText } from "./raw-name.ts";

/** What directories get that the archive does not list (contract §13.1). */
export const IMPLIED_DIRECTORY_MODE = 0o755;

/**
 * Makes the directories that are missing, as an archive's entries need them.
 *
 * @param isLink whether the archive has put a symbolic link there, which is refused as a parent
 * @param make makes one. Default: with {@link IMPLIED_DIRECTORY_MODE}, whatever the umask
 */
export function makingDirectories(
  isLink: (name: CleanName) => boolean,
  make: (path: string | Buffer) => number = makeImplied,
): OpenBelow {
  return (path, directory) => {
    if (isLink(directory)) throw leadsThroughLink(directory);
    return explainingDisk(
      () => `cannot make the directory ${toText(directory)}`,
      () => openOrMake(path, directory, make),
    );
  };
}

function openOrMake(
  path: string | Buffer,
  directory: CleanName,
  make: (path: string | Buffer) => number,
): number {
  try {
    return openSync(path, OPEN_DIRECTORY);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOTDIR" || code === "ELOOP") throw notDirectory(directory, error);
    if (code !== "ENOENT") throw error;
  }
  return make(path);
}

function makeImplied(path: string | Buffer): number {
  mkdirSync(path, IMPLIED_DIRECTORY_MODE);
  const handle = openSync(path, OPEN_DIRECTORY);
  fchmodSync(handle, IMPLIED_DIRECTORY_MODE); // whatever the umask
  return handle;
}

/** As the umask leaves it. */
export function makeDirectoryForAll(path: string | Buffer): number {
  mkdirSync(path, 0o777);
  return openSync(path, OPEN_DIRECTORY);
}

function notDirectory(directory: CleanName, cause: unknown): ArtifactError {
  return corruptArchive(
    `corrupt archive: ${toText(directory)} is no directory, yet entries lie below it`,
    cause,
  );
}

/** Begins as upstream's text for the same attack does (CVE-2025-66626). */
function leadsThroughLink(directory: CleanName): ArtifactError {
  return new ArtifactError(
    `illegal file path after symlink resolution: an entry leads through the symbolic link ${toText(directory)}`,
    { code: "archive.path_escape", remedy: "The archive was not made by a packer; find out who stored it." },
  );
}
