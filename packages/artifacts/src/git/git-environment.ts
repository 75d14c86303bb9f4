import { appendFile, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { certificateFiles, type GitLocation } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import { type ConfigSection, formatConfig } from "./git-config.ts";
import {
  ANY_USER,
  type GitCredential,
  orderCredentials,
  readCredentialsFile,
  readOwnCredential,
} from "./git-credentials.ts";
import type { GitRepository } from "./git-repository.ts";
import type { GitSettings } from "./git-settings.ts";
import { nameUser } from "./name-user.ts";
import { makePrivateDirectory } from "./private-directory.ts";
import { createPrivateFile } from "./private-file.ts";
import { checkPrivateKey } from "./private-key.ts";
import { readSshKeys, type SshHost, sshConfig } from "./ssh-config.ts";

export interface GitEnvironmentOptions {
  at: GitLocation;
  repository: GitRepository;
  /** Where the repository is put; no repository above it is looked at. */
  target: string;
  secrets: SecretReader;
  settings: GitSettings;
  /** Whether files that are in LFS are fetched. */
  lfs: boolean;
}

/** A private directory with git's configuration, and secrets where only git finds them; gone when it is disposed. */
export interface GitEnvironment extends AsyncDisposable {
  env: Record<string, string>;
  directory: string;
  /** Gives the credentials that stood in a repository's address to its host; what runs after this knows them. */
  allow(repository: GitRepository): Promise<void>;
}

/**
 * Everything git is to know, and nothing else: no system or user configuration, no prompts, no hooks, the
 * credentials where no command line, no URL and no process's environment shows them.
 */
export async function createGitEnvironment(options: GitEnvironmentOptions): Promise<GitEnvironment> {
  const { repository, settings, target } = options;
  await using made = new AsyncDisposableStack();
  const { path: directory } = made.use(
    await makePrivateDirectory([settings.env.TMPDIR || tmpdir(), "/dev/shm"]),
  );
  const hide = async (content: string): Promise<string> =>
    made.use(await createPrivateFile(content, directory)).path;
  const config = join(directory, "config");
  await writeFile(config, await gitConfig(options, hide));
  const ssh = join(directory, "ssh_config");
  await writeFile(ssh, sshConfig(await sshHosts(options, hide), settings.knownHosts));
  const env = {
    ...(definedOnly(settings.env) as Record<string, string>),
    HOME: directory,
    LC_ALL: "C",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: config,
    GIT_ATTR_NOSYSTEM: "1",
    // What lies above may be anybody's, with settings that name programs to run.
    GIT_CEILING_DIRECTORIES: [dirname(target), dirname(directory)].join(":"),
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "",
    SSH_ASKPASS: "",
    // A local repository may have local submodules; a remote one must not reach into this machine.
    GIT_ALLOW_PROTOCOL: repository.transport === "file" ? "file:https:http:ssh:git" : "https:http:ssh:git",
    // For what git fetches without our asking for it, in a partial clone; the rest is watched by us.
    GIT_HTTP_LOW_SPEED_LIMIT: "1",
    GIT_HTTP_LOW_SPEED_TIME: String(Math.ceil(settings.stallTimeoutMs / 1000)),
    GIT_SSH_COMMAND: `ssh -F '${ssh}'`,
    GIT_SSH_VARIANT: "ssh",
    ...(await trust(settings, directory)),
    ...(await nameUser(directory)),
  };
  const kept = made.move();
  return {
    env,
    directory,
    async allow({ origin, username, password }) {
      if (origin === undefined || (username === undefined && password === undefined)) return;
      const credential = {
        context: origin,
        username: username ?? ANY_USER,
        password: password?.reveal() ?? "",
      };
      const hideLater = async (content: string): Promise<string> =>
        kept.use(await createPrivateFile(content, directory)).path;
      await appendFile(config, formatConfig(await credentialSections([credential], hideLater)));
    },
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

type Hide = (content: string) => Promise<string>;

async function gitConfig(
  { at, repository, secrets, settings, lfs }: GitEnvironmentOptions,
  hide: Hide,
): Promise<string> {
  const own = await readOwnCredential(at, repository, secrets);
  const others = settings.credentialsFile ? await readCredentialsFile(settings.credentialsFile) : [];
  const sections: ConfigSection[] = [
    // The repository of a file URL belongs to whoever made it; it is only read.
    { name: "safe", values: { directory: "*" } },
    { name: "advice", values: { detachedHead: "false" } },
    { name: "init", values: { defaultBranch: "master" } },
    // Nobody asks for this copy after the pod's end: it need not survive a crash of the machine.
    { name: "core", values: { hooksPath: "/dev/null", fsmonitor: "false", fsync: "none" } },
    { name: "protocol", values: { version: "2" } },
    // Everything that comes is kept as a pack, and told with its size.
    { name: "transfer", values: { unpackLimit: "1" } },
    { name: "fetch", values: { unpackLimit: "1", recurseSubmodules: "false" } },
    // git counts the machine's processors, and takes memory for each.
    { name: "pack", values: { threads: String(settings.jobs) } },
    { name: "checkout", values: { workers: String(settings.jobs) } },
    { name: "gc", values: { auto: "0" } },
    { name: "maintenance", values: { auto: "false" } },
    ...(await credentialSections(orderCredentials(own, repository.url, others), hide)),
    ...(own ? sshAsHttps(repository) : []),
    ...(lfs ? LFS : []),
  ];
  if (at.insecureSkipTLS && repository.origin !== undefined) {
    sections.push({ name: "http", subsection: `${repository.origin}/`, values: { sslVerify: "false" } });
  }
  return formatConfig(sections);
}

/** git's own program reads each from a file of its own, and must not change that when a server says no. */
async function credentialSections(
  credentials: readonly GitCredential[],
  hide: Hide,
): Promise<ConfigSection[]> {
  return await Promise.all(
    credentials.map(async ({ context, username, password }) => {
      const [scheme, rest = ""] = context.split("://");
      const host = rest.split("/")[0];
      const user = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`;
      const file = await hide(`${scheme}://${user}@${host}\n`);
      const helper = `!f() { test "$1" = get && exec git credential-store --file '${file}' get; }; f`;
      return { name: "credential", subsection: context, values: { helper } };
    }),
  );
}

/** Submodules on the repository's own host are often named by their ssh addresses; its password opens them, too. */
function sshAsHttps({ host, origin }: GitRepository): ConfigSection[] {
  const insteadOf = [`git@${host}:`, `ssh://git@${host}/`];
  return [{ name: "url", subsection: `${origin}/`, values: { insteadOf } }];
}

const LFS: readonly ConfigSection[] = [
  {
    name: "filter",
    subsection: "lfs",
    values: {
      process: "git-lfs filter-process",
      smudge: "git-lfs smudge -- %f",
      clean: "git-lfs clean -- %f",
      required: "true",
    },
  },
];

async function sshHosts(
  { at, repository, secrets, settings }: GitEnvironmentOptions,
  hide: Hide,
): Promise<SshHost[]> {
  const hosts: SshHost[] = [];
  if (repository.transport === "ssh" && repository.host !== undefined) {
    const { host } = repository;
    const selector = at.sshPrivateKeySecret;
    const key = selector && (await secrets(selector)).reveal();
    const what = `sshPrivateKeySecret (${selector?.name}/${selector?.key})`;
    hosts.push({
      host,
      ...(key !== undefined && { identity: await hide(checkPrivateKey(key, what)) }),
      ...(at.insecureIgnoreHostKey && { ignoreHostKey: true }),
    });
  }
  const others = settings.sshKeysDirectory ? await readSshKeys(settings.sshKeysDirectory) : [];
  for (const { host, key } of others) {
    const what = `${settings.sshKeysDirectory}/${host}`;
    hosts.push({ host, identity: await hide(checkPrivateKey(key.reveal(), what)) });
  }
  return hosts;
}

/** git's curl knows neither Go's nor Node.js' variables. LFS is a Go program, and has its own way of reading one file. */
async function trust({ authorities, env }: GitSettings, directory: string): Promise<Record<string, string>> {
  if (env.GIT_SSL_CAINFO) return {};
  const texts = await Promise.all(
    [...authorities, ...certificateFiles(env.SSL_CERT_DIR)].map(async (path) => ({
      path,
      text: await readFile(path, "utf8").catch(() => undefined),
    })),
  );
  const found = texts.filter(({ text }) => text !== undefined);
  let [bundle] = found.map(({ path }) => path);
  if (bundle === undefined) return {};
  if (found.length > 1) {
    bundle = join(directory, "authorities.pem");
    await writeFile(bundle, found.map(({ text }) => text).join("\n"));
  }
  return { GIT_SSL_CAINFO: bundle, SSL_CERT_FILE: bundle };
}

function definedOnly(env: GitSettings["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined));
}
