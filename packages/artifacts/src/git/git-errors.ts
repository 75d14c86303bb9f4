import { ArtifactError, type ErrorCode } from "@skein/contract";
import { withoutUserInfo } from "./git-repository.ts";

interface Meaning {
  /** Looked for in what git and ssh printed; the first that fits wins. */
  pattern: RegExp;
  code: ErrorCode;
  transient?: true;
  remedy?: string;
}

/**
 * What git and ssh say in the C locale. Causes come before their consequences: after any refusal by ssh, git
 * adds that the remote end hung up.
 */
const MEANINGS: readonly Meaning[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED/,
    code: "git.host_key_mismatch",
    remedy:
      "the server shows another host key than known_hosts has: if the server was given a new key, put it into " +
      "known_hosts (SSH_KNOWN_HOSTS names the file); if not, somebody is between you and it",
  },
  {
    pattern: /No .* host key is known for|Host key verification failed/,
    code: "git.host_key_mismatch",
    remedy:
      "the server's host key is not in known_hosts: add it (`ssh-keyscan HOST`, compared with what the server's " +
      "owner publishes) and name the file in SSH_KNOWN_HOSTS, or set insecureIgnoreHostKey",
  },
  {
    pattern: /Load key .*: (error in libcrypto|invalid format)|incorrect passphrase|bad permissions/,
    code: "git.authentication_failed",
    remedy: "sshPrivateKeySecret must hold an unencrypted private key in PEM or OpenSSH form",
  },
  {
    pattern:
      /Authentication failed|could not read (Username|Password)|terminal prompts disabled|Permission denied \(|Access denied|returned error: 40[13]|Invalid username or (password|token)/i,
    code: "git.authentication_failed",
    remedy:
      "give usernameSecret and passwordSecret for https, or sshPrivateKeySecret for ssh, of a user who may read it",
  },
  {
    pattern: /No user exists for uid/,
    code: "git.refused",
    remedy:
      "ssh needs a name for the user it runs as: install libnss-wrapper in the executor's image, or run as a user of its /etc/passwd",
  },
  {
    pattern: /transport '.*' not allowed/,
    code: "git.refused",
    remedy: "submodules may only be fetched by https, http, ssh and git",
  },
  {
    pattern:
      /Repository not found|repository '.*' not found|does not appear to be a git repository|returned error: 404|repository '.*' does not exist|not a git repository|Could not find repository/i,
    code: "git.repository_not_found",
    remedy: "check the address; hosts answer the same way to users who may not see the repository",
  },
  {
    pattern:
      /couldn't find remote ref|Remote branch .* not found|not our ref|unadvertised object|unknown revision|bad revision|not a valid object name|did not match any file|remote did not send all necessary objects|unable to read tree|reference is not a tree/,
    code: "git.revision_not_found",
  },
  {
    pattern: /Could not resolve host|Name or service not known|name resolution/,
    code: "network.dns",
    transient: true,
  },
  {
    pattern:
      /Connection refused|Failed to connect|Couldn't connect|connection timed out|No route to host|Network is unreachable|Connection closed by .* port/i,
    code: "network.unreachable",
    transient: true,
  },
  {
    pattern: /SSL certificate problem|certificate verification failed|local issuer certificate|SSL routines/i,
    code: "network.tls",
    remedy:
      "the image does not trust the server's certificate authority (SSL_CERT_FILE), or set insecureSkipTLS",
  },
  { pattern: /Operation too slow/, code: "transfer.stalled", transient: true },
  { pattern: /returned error: (429|5\d\d)/, code: "git.failed", transient: true },
  {
    pattern: /No space left on device|Disk quota exceeded/,
    code: "disk.full",
    remedy: "ask for more ephemeral storage, or clone less: depth, singleBranch",
  },
  {
    pattern:
      /early EOF|RPC failed|unexpected disconnect|Connection reset|remote end hung up|transfer closed with|Broken pipe|GnuTLS recv error/i,
    code: "transfer.interrupted",
    transient: true,
  },
];

/** Lines of progress and of politeness. */
const NOISE =
  /^(remote: )?(Enumerating|Counting|Compressing|Receiving|Resolving|Updating|Unpacking|Total|Cloning into|hint:|warning: redirecting)|^remote:\s*$|^Please make sure you have the correct|^and the repository exists|^@+$/;

/** @param doing begins the message, in upstream's words: `failed to clone "<repo>"` */
export function translateGitFailure(
  doing: string,
  ended: { exitCode: number | null; signal: string | null; stderr: string },
): ArtifactError {
  const said = withoutUserInfo(ended.stderr);
  const meaning = MEANINGS.find(({ pattern }) => pattern.test(said));
  const lines = said.split(/[\r\n]+/).filter((line) => line.trim() !== "" && !NOISE.test(line));
  const how = ended.signal ? `git was killed by ${ended.signal}` : `git exited with ${ended.exitCode}`;
  const message = lines.length > 0 ? lines.slice(-MAX_LINES).join("; ") : how;
  const { code, transient, remedy } = meaning ?? { code: "git.failed" as const };
  return new ArtifactError(`${doing}: ${message}`, {
    code,
    ...(transient && { transient }),
    ...(remedy !== undefined && { remedy }),
  });
}

/** A host key that has changed takes eight lines to explain, and the fingerprint is in them. */
const MAX_LINES = 10;
