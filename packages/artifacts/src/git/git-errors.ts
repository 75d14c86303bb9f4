import { ArtifactError, type ErrorCode } from "@skein/contract";
import { withoutUserInfo } from "./git-repository.ts";
import { explainHostKey } from "./host-keys.ts";

interface Meaning {
  /** Looked for in what git and ssh printed; the first that fits wins. */
  pattern: RegExp;
  code: ErrorCode;
  transient?: true;
  remedy?: string;
}

/**
 * What git, ssh and git-lfs say in the C locale. Causes come before their consequences: after any refusal by ssh, git
 * adds that the remote end hung up.
 */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /Load key .*: (error in libcrypto|invalid format)|incorrect passphrase|bad permissions/,
    code: "git.authentication_failed",
    remedy: "sshPrivateKeySecret must hold an unencrypted private key in PEM or OpenSSH form",
  },
  {
    pattern: /No user exists for uid/,
    code: "git.refused",
    remedy:
      "ssh needs a name for the user it runs as: install libnss-wrapper in the executor's image, or run as a user of its /etc/passwd",
  },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: "disk.full",
    remedy: "ask for more ephemeral storage, or clone less: depth, singleBranch, SKEIN_GIT_SPARSE",
  },
  {
    pattern:
      /(unable to (create|write|open)|could not create|cannot create|insufficient permission).*(Permission denied|Read-only file system|database)/,
    code: "disk.permission_denied",
    remedy: "the executor's user must be able to write where the artifact goes",
  },
  {
    pattern: /git-lfs(: command)?:? not found|'lfs' is not a git command/,
    code: "git.lfs_failed",
    remedy: "the repository uses LFS and SKEIN_GIT_LFS is on: use an executor image that has git-lfs",
  },
  {
    pattern:
      /Support for password authentication was removed|Password authentication is not (available|supported)/i,
    code: "git.authentication_failed",
    remedy: "this host takes tokens only: put one into the secret of passwordSecret",
  },
  {
    pattern:
      /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|Access denied|returned error: 40[13]|Invalid username or (password|token)|HTTP Basic: Access denied|Authorization error|Authentication required|Too many authentication failures/i,
    code: "git.authentication_failed",
    remedy:
      "give usernameSecret and passwordSecret for https, or sshPrivateKeySecret for ssh, of a user who may read it; " +
      "a submodule on another host is not given them: SKEIN_GIT_CREDENTIALS and SKEIN_GIT_SSH_KEYS are for those",
  },
  {
    pattern: /transport '.*' not allowed/,
    code: "git.refused",
    remedy: "submodules may only be fetched by https, http, ssh and git",
  },
  {
    pattern:
      /cannot strip one component off url|strange (hostname|pathname|port) '.*' blocked|invalid value for 'submodule\.|refusing to create\/use '.*' in another submodule|(submodule|path) .*(is a symlink|beyond a symbolic link)|invalid path '.*'|ignoring suspicious submodule name/,
    code: "git.refused",
    remedy: "the repository has something in it that git takes for an attack: ask its owner",
  },
  {
    pattern:
      /is this a git repository\?|Repository not found|repository '.*' not found|does not appear to be a git repository|returned error: (404|410)|repository '.*' does not exist|not a git repository|Could not find repository|could not be found or you don't have permission|TF401019/i,
    code: "git.repository_not_found",
    remedy: "check the address; hosts answer the same way to users who may not see the repository",
  },
  // Before what it also looks like: an object that is not there.
  {
    pattern: /inflate: data stream error|pack is corrupted|pack has (bad|junk)/,
    code: "transfer.interrupted",
    transient: true,
  },
  {
    pattern: /Object does not exist on the server|\[404\] Object/i,
    code: "git.lfs_failed",
    remedy: "a large file was never pushed to the LFS server (`git lfs push --all`), or is gone from it",
  },
  {
    pattern:
      /couldn't find remote ref|Remote branch .* not found|not our ref|unadvertised object|unknown revision|bad revision|not a valid object name|did not match any file|remote did not send all necessary objects|unable to read tree|reference is not a tree|bad object|no such remote ref/i,
    code: "git.revision_not_found",
  },
  {
    pattern: /Could not resolve host|Name or service not known|name resolution|No address associated/i,
    code: "network.dns",
    transient: true,
  },
  {
    pattern:
      /Connection refused|Failed to connect|Couldn't connect|unable to connect|connection timed out|No route to host|Network is unreachable|Connection closed by .* port|kex_exchange_identification|Received HTTP code 50\d from proxy/i,
    code: "network.unreachable",
    transient: true,
  },
  {
    pattern:
      /SSL certificate problem|certificate verification failed|local issuer certificate|certificate subject name|error setting certificate|SSL_CTX|x509: certificate|certificate signed by unknown authority/i,
    code: "network.tls",
    remedy:
      "the server's certificate is not one that is trusted: name its authority's file in SSL_CERT_FILE, or a directory that has it in SSL_CERT_DIR (executor.env), or set insecureSkipTLS",
  },
  { pattern: /Operation too slow|Operation timed out/i, code: "transfer.stalled", transient: true },
  {
    pattern: /returned error: 30\d/,
    code: "git.failed",
    remedy: "the server is somewhere else now: give the repository's new address",
  },
  { pattern: /returned error: (408|429|5\d\d)|HTTP (408|429|5\d\d)/, code: "git.failed", transient: true },
  {
    pattern: /died of signal 9|index-pack (died|abnormal)|Out of memory|Cannot allocate memory/i,
    code: "git.failed",
    remedy:
      "git was probably out of memory: give the init container more (executor.resources), or clone less: depth, SKEIN_GIT_FILTER",
  },
  {
    pattern:
      /early EOF|RPC failed|unexpected disconnect|Connection reset|remote end hung up|transfer closed with|Broken pipe|GnuTLS recv error|error in the pull function|TLS connection was non-properly terminated|gnutls_handshake|SSL_ERROR_SYSCALL|HTTP\/2 stream|unexpected EOF|Connection closed by|Timeout, server .* not responding/i,
    code: "transfer.interrupted",
    transient: true,
  },
  {
    pattern: /protocol error: (bad line length|unexpected)|invalid server response|expected .* got/,
    code: "git.failed",
    remedy: "what answers there does not speak git's protocol: check the address, and the proxies on the way",
  },
  { pattern: /smudge filter lfs failed|external filter 'git-lfs/, code: "git.lfs_failed" },
];

/** Lines of progress and of politeness. */
const NOISE =
  /^(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Updating|Filtering|Unpacking|Total|Cloning into|hint:|warning: redirecting)|^remote:\s*$|^Please make sure you have the correct|^and the repository exists|^@+$/;

export interface GitFailure {
  exitCode: number | null;
  signal: string | null;
  stderr: string;
  /** What ssh wrote, on level DEBUG1; empty when there was no ssh. */
  sshLog: string;
}

/** @param doing begins the message, in upstream's words: `failed to clone "<repo>"` */
export function translateGitFailure(
  doing: string,
  { exitCode, signal, stderr, sshLog }: GitFailure,
): ArtifactError {
  const said = withoutUserInfo(`${withoutDebugging(sshLog)}\n${stderr}`);
  const hostKey = explainHostKey(sshLog);
  if (hostKey) {
    const { message, remedy } = hostKey;
    return new ArtifactError(`${doing}: ${message}`, { code: "git.host_key_mismatch", remedy });
  }
  const meaning = MEANINGS.find(({ pattern }) => pattern.test(said));
  const lines = said.split(/[\r\n]+/).filter((line) => line.trim() !== "" && !NOISE.test(line));
  const how = signal ? `git was killed by ${signal}` : `git exited with ${exitCode}`;
  const message = lines.length > 0 ? lines.slice(-MAX_LINES).join("; ") : how;
  const { code, transient, remedy } = meaning ?? { code: "git.failed" as const };
  return new ArtifactError(`${doing}: ${message}`, {
    code,
    ...(transient && { transient }),
    ...(remedy !== undefined && { remedy }),
  });
}

function withoutDebugging(sshLog: string): string {
  return sshLog
    .split("\n")
    .filter((line) => !/^(debug\d: |Authenticated to |Transferred: |Bytes per second: )/.test(line))
    .join("\n");
}

/** More are not read by anybody. */
const MAX_LINES = 8;
