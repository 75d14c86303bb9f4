import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ArtifactError, errorMessage, Secret } from "@skein/contract";

/** A host, and what ssh may do there that it may nowhere else. */
export interface SshHost {
  host: string;
  /** File of the private key. */
  identity?: string;
  ignoreHostKey?: boolean;
}

/**
 * ssh's settings in a file of its own instead of on the command line, so that `user@` in a URL still wins over our
 * default. What is given for one host is offered to that host only.
 */
export function sshConfig(hosts: readonly SshHost[], knownHosts: readonly string[]): string {
  const lines = hosts.flatMap(({ host, identity, ignoreHostKey }) => [
    `Host ${host.replace(/^\[|\]$/g, "")}`,
    ...(identity === undefined ? [] : [`  IdentityFile ${quoted(identity)}`, "  IdentitiesOnly yes"]),
    ...(ignoreHostKey ? ["  StrictHostKeyChecking no", "  UserKnownHostsFile /dev/null"] : []),
  ]);
  const files = knownHosts.map(quoted).join(" ") || "/dev/null";
  return [
    ...lines,
    "Host *",
    "  User git",
    "  BatchMode yes",
    "  ConnectTimeout 30",
    "  ServerAliveInterval 15",
    "  ServerAliveCountMax 4",
    // Into a file of its own: the fingerprint of a host nobody knows is said on this level only.
    "  LogLevel DEBUG1",
    "  StrictHostKeyChecking yes",
    `  UserKnownHostsFile ${files}`,
    "  GlobalKnownHostsFile /dev/null",
    "",
  ].join("\n");
}

/** ssh replaces `%h`, `${NAME}` and the like in names of files. */
function quoted(path: string): string {
  return `"${path.replaceAll("%", "%%")}"`;
}

/**
 * Keys of further hosts: the files of a directory, each called like its host.
 *
 * @throws ArtifactError `secret.missing`
 */
export async function readSshKeys(directory: string): Promise<{ host: string; key: Secret }[]> {
  try {
    // A secret's volume has links, and directories whose names begin with dots.
    const names = (await readdir(directory)).filter((name) => !name.startsWith("."));
    return await Promise.all(
      names.map(async (host) => ({ host, key: new Secret(await readFile(join(directory, host))) })),
    );
  } catch (error) {
    throw new ArtifactError(`cannot read the ssh keys of git: ${errorMessage(error)}`, {
      code: "secret.missing",
      remedy: "SKEIN_GIT_SSH_KEYS must name a directory with a key for each host, called like the host",
      cause: error,
    });
  }
}
