import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ArtifactError, errorMessage, type GitLocation, rememberSecret, type Secret } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { GitSettings } from "../settings.ts";
import type { GitRepository } from "./git-repository.ts";
import { nameUser } from "./name-user.ts";

/** A private directory with git's configuration and, for ssh, a key; gone when it is disposed. */
export interface GitEnvironment extends AsyncDisposable {
  env: Record<string, string>;
}

/**
 * Everything git is to know, and nothing else: no system or user configuration, no prompts, no hooks, the
 * credentials where neither `ps` nor a URL shows them.
 */
export async function createGitEnvironment(
  at: GitLocation,
  repository: GitRepository,
  secrets: SecretReader,
  settings: GitSettings,
): Promise<GitEnvironment> {
  const directory = await makePrivateDirectory([settings.env.TMPDIR || tmpdir(), "/dev/shm"]);
  const dispose = (): Promise<void> => rm(directory, { recursive: true, force: true });
  try {
    const credentials = await readCredentials(at, repository, secrets);
    const config = join(directory, "config");
    await writeFile(config, gitConfig(at, repository, credentials !== undefined));
    const ssh = repository.transport === "ssh" ? await prepareSsh(directory, at, secrets, settings) : {};
    return {
      env: {
        ...(definedOnly(settings.env) as Record<string, string>),
        HOME: directory,
        LC_ALL: "C",
        GIT_CONFIG_NOSYSTEM: "1",
        GIT_CONFIG_GLOBAL: config,
        GIT_TERMINAL_PROMPT: "0",
        GIT_ASKPASS: "",
        SSH_ASKPASS: "",
        GIT_LFS_SKIP_SMUDGE: "1",
        // A local repository may have local submodules; a remote one must not reach into this machine.
        GIT_ALLOW_PROTOCOL:
          repository.transport === "file" ? "file:https:http:ssh:git" : "https:http:ssh:git",
        // The server may think for long, so silence is what counts, not slowness.
        GIT_HTTP_LOW_SPEED_LIMIT: "1",
        GIT_HTTP_LOW_SPEED_TIME: "60",
        ...credentials,
        ...ssh,
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/**
 * Mode 0700. An init container has no /tmp of its own, and its root file system may be read-only; shared memory is there
 * in every container, and forgets.
 */
async function makePrivateDirectory(parents: readonly string[]): Promise<string> {
  const failures: unknown[] = [];
  for (const parent of parents) {
    try {
      return await mkdtemp(join(parent, "skein-git-"));
    } catch (error) {
      failures.push(error);
    }
  }
  throw new ArtifactError(`git needs a place for its settings: ${failures.map(errorMessage).join("; ")}`, {
    code: "git.failed",
    remedy: "mount an emptyDir at /tmp, or set TMPDIR to a directory that can be written",
  });
}

/** For the credential helper in {@link gitConfig}; a line end cannot be part of either (git-credential(1)). */
async function readCredentials(
  at: GitLocation,
  repository: GitRepository,
  secrets: SecretReader,
): Promise<Record<string, string> | undefined> {
  if (repository.origin === undefined) return undefined;
  const read = async (selector: GitLocation["usernameSecret"]): Promise<Secret | undefined> =>
    selector && secrets(selector);
  const username = (await read(at.usernameSecret))?.reveal().trim() ?? repository.username ?? "";
  const password = ((await read(at.passwordSecret)) ?? repository.password)?.reveal().trim() ?? "";
  if (username === "" && password === "") return undefined;
  rememberSecret(`${username}:${password}`);
  return { SKEIN_GIT_USERNAME: username, SKEIN_GIT_PASSWORD: password };
}

function gitConfig(at: GitLocation, repository: GitRepository, hasCredentials: boolean): string {
  const lines = [
    // The repository of a file URL belongs to whoever made it; it is only read.
    "[safe]\n\tdirectory = *",
    "[advice]\n\tdetachedHead = false",
    "[init]\n\tdefaultBranch = master",
    "[core]\n\thooksPath = /dev/null\n\tfsmonitor = false",
    "[protocol]\n\tversion = 2",
    // Everything that comes is kept as a pack, whose size is what came.
    "[transfer]\n\tunpackLimit = 1",
    "[fetch]\n\tunpackLimit = 1\n\trecurseSubmodules = false",
    "[gc]\n\tauto = 0",
    "[maintenance]\n\tauto = false",
  ];
  if (hasCredentials) {
    const helper = `!f() { test "$1" = get && printf 'username=%s\\npassword=%s\\n' "$SKEIN_GIT_USERNAME" "$SKEIN_GIT_PASSWORD"; }; f`;
    lines.push(`[credential "${repository.origin}"]\n\thelper = ${quoted(helper)}`);
  }
  if (at.insecureSkipTLS && repository.origin !== undefined) {
    lines.push(`[http "${repository.origin}/"]\n\tsslVerify = false`);
  }
  return `${lines.join("\n")}\n`;
}

function quoted(value: string): string {
  return `"${value.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
}

/** In a file of its own instead of on the command line, so that `user@` in a URL still wins over our default. */
async function prepareSsh(
  directory: string,
  at: GitLocation,
  secrets: SecretReader,
  settings: GitSettings,
): Promise<Record<string, string>> {
  const lines = [
    "Host *",
    "  User git",
    "  BatchMode yes",
    "  ConnectTimeout 30",
    "  ServerAliveInterval 15",
    "  ServerAliveCountMax 4",
    "  LogLevel ERROR",
    ...hostKeyLines(at, settings.knownHosts),
  ];
  if (at.sshPrivateKeySecret) {
    const key = join(directory, "id");
    await writeFile(key, withLineEnd((await secrets(at.sshPrivateKeySecret)).reveal()), { mode: 0o600 });
    await chmod(key, 0o600); // ssh refuses a key that others may read, whatever the umask
    lines.push(`  IdentityFile "${key}"`, "  IdentitiesOnly yes");
  }
  const config = join(directory, "ssh_config");
  await writeFile(config, `${lines.join("\n")}\n`);
  return { GIT_SSH_COMMAND: `ssh -F '${config}'`, GIT_SSH_VARIANT: "ssh", ...(await nameUser(directory)) };
}

function hostKeyLines(at: GitLocation, knownHosts: readonly string[]): string[] {
  if (at.insecureIgnoreHostKey) {
    return [
      "  StrictHostKeyChecking no",
      "  UserKnownHostsFile /dev/null",
      "  GlobalKnownHostsFile /dev/null",
    ];
  }
  return [
    "  StrictHostKeyChecking yes",
    `  UserKnownHostsFile ${knownHosts.map((path) => `"${path}"`).join(" ") || "/dev/null"}`,
    "  GlobalKnownHostsFile /dev/null",
  ];
}

/** OpenSSH does not read a key whose last line does not end. */
function withLineEnd(key: string): string {
  return key.endsWith("\n") ? key : `${key}\n`;
}

function definedOnly(env: GitSettings["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
