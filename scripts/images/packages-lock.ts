import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The lock file with the versions that a saved image of the packages stage has installed.
 *
 * @param archive in OCI's layout; its last layers hold /parts/packages.tsv
 */
export function lockedPackages(lock: string, archive: string): string {
  const versions = installedVersions(archive);
  return lock.replace(/^([a-z0-9][a-z0-9.+-]*) .*$/gm, (line, name: string) => {
    const version = versions.get(name);
    return version === undefined ? line : `${name} ${version}`;
  });
}

function installedVersions(archive: string): Map<string, string> {
  const directory = mkdtempSync(join(tmpdir(), "skein-lock-"));
  try {
    execFileSync("tar", ["-xf", archive, "-C", directory]);
    const blobs = join(directory, "blobs/sha256");
    for (const name of readdirSync(blobs)) {
      try {
        const text = execFileSync("tar", ["-xOf", join(blobs, name), "parts/packages.tsv"], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        });
        return new Map(
          text
            .split("\n")
            .filter(Boolean)
            .map((line) => line.split("\t").slice(0, 2) as [string, string]),
        );
      } catch {
        // another layer, or the image's description
      }
    }
    throw new Error(`${archive} has no list of packages`);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Names and versions of a lock file, for whoever checks it. */
export function readLock(path: string): Map<string, string> {
  const lines = readFileSync(path, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => line.split(" ") as [string, string]));
}
