import { availableParallelism } from "node:os";
import { ConfigError, type Environment } from "@skein/contract";
import { type GitMirror, parseMirrors } from "./git-mirrors.ts";
import { type PerArtifact, parsePerArtifact } from "./per-artifact.ts";

/** What an operator, or an author by `podSpecPatch`, can say about all git artifacts of a pod. */
export interface GitSettings {
  /** The git program. Default `git`, looked up in `PATH`. */
  program: string;
  /** Environment that git may see: `PATH`, proxies, the ssh agent; nothing of the pod's secrets. */
  env: Environment;
  /** Files with certificate authorities that are trusted. `SSL_CERT_FILE` and `NODE_EXTRA_CA_CERTS`. */
  authorities: readonly string[];
  /** Files of known hosts. `SSH_KNOWN_HOSTS`, default `~/.ssh/known_hosts` and `/etc/ssh/ssh_known_hosts`. */
  knownHosts: readonly string[];
  /** Submodules fetched at the same time. */
  jobs: number;
  /** A server that says nothing for this long is left. `SKEIN_GIT_STALL_TIMEOUT_SECONDS`, default 60. */
  stallTimeoutMs: number;
  /** Whether large files are fetched, or stay pointers. `SKEIN_GIT_LFS`, default false. */
  lfs: PerArtifact<boolean>;
  /** The directories that are checked out; all when there is none. `SKEIN_GIT_SPARSE`. */
  sparse: PerArtifact<readonly string[]>;
  /** Objects the server need not send at once: `blob:none`. `SKEIN_GIT_FILTER`. */
  filter: PerArtifact<string>;
  /** Copies of repositories on this machine. `SKEIN_GIT_MIRRORS`. */
  mirrors: readonly GitMirror[];
  /** Credentials of further hosts, in the format of git-credential-store(1). `SKEIN_GIT_CREDENTIALS`. */
  credentialsFile: string | undefined;
  /** Directory of ssh keys, each in a file that is called like its host. `SKEIN_GIT_SSH_KEYS`. */
  sshKeysDirectory: string | undefined;
}

/** What git and its helpers may inherit. Everything else, such as the pod's tokens, stays out of their reach. */
const INHERITED = [
  "PATH",
  "TMPDIR",
  "TZ",
  "http_proxy",
  "https_proxy",
  "HTTPS_PROXY",
  "ALL_PROXY",
  "all_proxy",
  "no_proxy",
  "NO_PROXY",
  "SSL_CERT_DIR",
  "GIT_SSL_CAINFO",
  "GIT_SSL_CAPATH",
  "SSH_AUTH_SOCK",
];

/** @throws ConfigError that quotes the variable and its value */
export function parseGitSettings(sshKnownHosts: string | undefined, env: Environment): GitSettings {
  return {
    program: "git",
    env: inheritedFrom(env),
    authorities: [env.SSL_CERT_FILE, env.NODE_EXTRA_CA_CERTS].flatMap((path) => path || []),
    knownHosts: sshKnownHosts
      ? sshKnownHosts.split(":").filter((path) => path !== "")
      : [...(env.HOME ? [`${env.HOME}/.ssh/known_hosts`] : []), "/etc/ssh/ssh_known_hosts"],
    jobs: Math.max(2, availableParallelism()),
    stallTimeoutMs: parseSeconds(env, "SKEIN_GIT_STALL_TIMEOUT_SECONDS", 60) * 1000,
    lfs: parsePerArtifact(env, "SKEIN_GIT_LFS", { parse: parseSwitch, otherwise: false }),
    sparse: parsePerArtifact(env, "SKEIN_GIT_SPARSE", { parse: parseDirectories, otherwise: [] }),
    filter: parsePerArtifact(env, "SKEIN_GIT_FILTER", { parse: parseFilter, otherwise: "" }),
    mirrors: parseMirrors(env, "SKEIN_GIT_MIRRORS"),
    credentialsFile: env.SKEIN_GIT_CREDENTIALS || undefined,
    sshKeysDirectory: env.SKEIN_GIT_SSH_KEYS || undefined,
  };
}

function inheritedFrom(env: Environment): Environment {
  const found = INHERITED.flatMap((name) => (env[name] ? [[name, env[name]]] : []));
  // curl reads this one in lower case only, because a CGI program's environment has the other from its client.
  const httpProxy = env.http_proxy || env.HTTP_PROXY;
  return { ...Object.fromEntries(found), ...(httpProxy && { http_proxy: httpProxy }) };
}

function parseSwitch(value: string): boolean {
  if (/^(true|1)$/i.test(value)) return true;
  if (/^(false|0)?$/i.test(value)) return false;
  throw new RangeError("must be true or false");
}

/** Directories as git's cone mode takes them (git-sparse-checkout(1)), separated by commas. */
function parseDirectories(value: string): readonly string[] {
  const directories = value
    .split(",")
    .map((directory) => directory.trim().replace(/^(\.?\/)+|\/+$/g, ""))
    .filter((directory) => directory !== "" && directory !== ".");
  for (const directory of directories) {
    if (directory.split("/").includes("..") || /[\p{Cc}"\\]/u.test(directory)) {
      throw new RangeError(
        `must name directories of the repository, and ${JSON.stringify(directory)} is none`,
      );
    }
  }
  return directories;
}

/** The filters that servers have switched on, and that need nothing but themselves (git-rev-list(1)). */
function parseFilter(value: string): string {
  if (/^(blob:none|blob:limit=\d+[kmg]?|tree:\d+|)$/.test(value)) return value;
  throw new RangeError("must be blob:none, blob:limit=SIZE or tree:DEPTH");
}

function parseSeconds(env: Environment, name: string, otherwise: number): number {
  const text = env[name];
  if (!text) return otherwise;
  if (!/^[1-9]\d{0,5}$/.test(text)) {
    throw new ConfigError(`environment variable ${name} must be a whole number above 0, got "${text}"`, {
      exitCode: 1,
    });
  }
  return Number(text);
}
