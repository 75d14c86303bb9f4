import { ArtifactError, rememberUrlSecrets, Secret } from "@skein/contract";

/** A repository's address, taken apart far enough to be used safely. */
export interface GitRepository {
  /** What git is given: without a password. */
  url: string;
  transport: "https" | "http" | "ssh" | "git" | "file";
  /** Absent for `file`. */
  host: string | undefined;
  /** `https://host:port`: where credentials may go, and nowhere else. Absent but for https and http. */
  origin: string | undefined;
  /** Credentials that stood in the address. */
  username: string | undefined;
  password: Secret | undefined;
}

const SCHEMES = new Set(["https", "http", "ssh", "git", "file"]);
/** `[user@]host:path`, git's own short form for ssh. Not a path of Windows, and not a scheme. */
const SCP_LIKE = /^(?:([^@/:]+)@)?(\[[^\]/]+\]|[^@/:]+):(?!\/\/)(.*)$/s;

/**
 * @throws ArtifactError `git.refused` for addresses that git would take for an option or for a program to run
 *   (`ext::`), and for transports nobody needs here
 */
export function parseGitRepository(repo: string): GitRepository {
  refuseOption("repo", repo);
  if (/^[A-Za-z0-9]+::/.test(repo)) throw refused(`transport helpers are not allowed: ${helperOf(repo)}::…`);
  if (repo.startsWith("/")) {
    return { ...NO_CREDENTIALS, url: repo, transport: "file", host: undefined, origin: undefined };
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(repo)?.[1]?.toLowerCase();
  if (scheme !== undefined) return parseUrl(repo, scheme);
  const [, , host] = SCP_LIKE.exec(repo) ?? [];
  if (host === undefined) {
    throw refused(`${JSON.stringify(repo)} is neither a URL, nor user@host:path, nor an absolute path`);
  }
  refuseSshTarget(SCP_LIKE.exec(repo)?.[1] ?? "", host);
  return { ...NO_CREDENTIALS, url: repo, transport: "ssh", host, origin: undefined };
}

/** The path on its host without `.git`: `group/name`. Absent for `file`. */
export function repositoryPath({ url, transport }: GitRepository): string | undefined {
  if (transport === "file") return undefined;
  const path = URL.canParse(url) && url.includes("://") ? new URL(url).pathname : SCP_LIKE.exec(url)?.[3];
  return path?.replace(/^\/+|\/+$/g, "").replace(/\/?\.git$/, "");
}

/** ssh would take a host or a user that begins with a dash for an option, and a pattern for many hosts. */
function refuseSshTarget(user: string, host: string): void {
  if (host.startsWith("-")) throw refused(`a host cannot begin with "-": ${JSON.stringify(host)}`);
  if (user.startsWith("-")) throw refused(`a user cannot begin with "-": ${JSON.stringify(user)}`);
  if (!/^(\[[0-9A-Fa-f:.]+(%25[A-Za-z0-9]+)?\]|[\p{L}\p{N}._-]+)$/u.test(host)) {
    throw refused(`not a host: ${JSON.stringify(host)}`);
  }
}

/** What git itself would take for an option, and characters that have no place in an argument. */
export function refuseOption(field: string, value: string): void {
  if (value.startsWith("-")) throw refused(`${field} cannot begin with "-": ${JSON.stringify(value)}`);
  if (/[\0\n\r]/.test(value))
    throw refused(`${field} cannot hold a line end or NUL: ${JSON.stringify(value)}`);
  // Decoded, they would end a line of what git tells its credential helper (CVE-2020-5260), or a server.
  if (/%(00|0a|0d)/i.test(value))
    throw refused(`${field} cannot hold an encoded line end: ${JSON.stringify(value)}`);
  if (value === "") throw refused(`${field} is empty`);
}

/** `+src:dst`, as git takes it, of names that git can take for nothing else. */
export function refuseRefspec(refspec: string): void {
  refuseOption("fetch", refspec);
  if (/\s/.test(refspec)) throw refused(`fetch cannot hold white space: ${JSON.stringify(refspec)}`);
}

const NO_CREDENTIALS = { username: undefined, password: undefined };

function parseUrl(repo: string, scheme: string): GitRepository {
  if (!SCHEMES.has(scheme)) throw refused(`the transport ${scheme} is not allowed; use https, ssh or file`);
  if (!URL.canParse(repo)) throw refused(`not a URL: ${withoutUserInfo(repo)}`);
  const url = new URL(repo);
  const transport = scheme as GitRepository["transport"];
  if (transport === "file")
    return { ...NO_CREDENTIALS, url: repo, transport, host: undefined, origin: undefined };
  rememberUrlSecrets(url);
  refuseSshTarget(decodeURIComponent(url.username), url.hostname);
  const isHttp = transport === "http" || transport === "https";
  const username = url.username === "" ? undefined : decodeURIComponent(url.username);
  const password = url.password === "" ? undefined : new Secret(decodeURIComponent(url.password));
  url.password = "";
  // For ssh the user is part of the address; for http it is half of a credential.
  if (isHttp) url.username = "";
  return {
    url: isHttp || password ? url.href : repo,
    transport,
    host: url.hostname,
    origin: isHttp ? url.origin : undefined,
    username: isHttp ? username : undefined,
    password: isHttp ? password : undefined,
  };
}

/** For messages and attributes: addresses without a user, a password, or a query, in which some hosts take tokens. */
export function withoutUserInfo(text: string): string {
  return text
    .replace(/([a-z][a-z0-9+.-]*:\/\/)[^/@\s]*@/gi, "$1")
    .replace(/([a-z][a-z0-9+.-]*:\/\/[^\s'"?]+)\?[^\s'"]*/gi, "$1");
}

function helperOf(repo: string): string {
  return repo.slice(0, repo.indexOf("::"));
}

function refused(why: string): ArtifactError {
  return new ArtifactError(`git: ${why}`, { code: "git.refused" });
}
