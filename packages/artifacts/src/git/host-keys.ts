import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";

/** Why a host was not trusted, for people: what was shown, what was expected, where that stands, and what to do. */
export interface HostKeyTrouble {
  message: string;
  remedy: string;
}

const INSTEAD = "insecureIgnoreHostKey trusts whoever answers";

/**
 * Reads from ssh's log (level DEBUG1) why it refused a host.
 *
 * @returns nothing when it was not for its key
 */
export function explainHostKey(sshLog: string): HostKeyTrouble | undefined {
  if (!/Host key verification failed|host key .*revoked|No .* host key is known for/i.test(sshLog))
    return undefined;
  const [, algorithm, shown] = last(sshLog, /Server host key: (\S+) (SHA256:\S+)/g) ?? [];
  const server = `${algorithm ?? "a key"} ${shown ?? "of unknown fingerprint"}`;
  const changed = last(sshLog, /Offending (?:\S+ )?key in (.+):(\d+)/g);
  if (changed) return changedKey(hostIn(sshLog), server, changed[1] ?? "", Number(changed[2]));
  const host = hostIn(sshLog);
  if (/revoked/i.test(sshLog)) {
    return {
      message: `the host key of ${host} is revoked: the server shows ${server}`,
      remedy: `somebody marked that key as @revoked in known_hosts (SSH_KNOWN_HOSTS): ask the server's owner for its new one`,
    };
  }
  return {
    message: `the host key of ${host} is not known: the server shows ${server}${missingFiles(sshLog)}`,
    remedy:
      `compare that fingerprint with what the server's owner publishes, and add the line that ` +
      `\`${keyscan(host)}\` prints to a file named in SSH_KNOWN_HOSTS; ${INSTEAD}`,
  };
}

function changedKey(host: string, server: string, file: string, line: number): HostKeyTrouble {
  const known = readFingerprint(file, line);
  return {
    message: `the host key of ${host} is not the known one: the server shows ${server}, and ${file}, line ${line}, has ${known}`,
    remedy:
      `if the server was given a new key – compare the fingerprint it shows with what its owner publishes – put it in ` +
      `the place of that line (\`${keyscan(host)}\`; SSH_KNOWN_HOSTS names the file); if not, somebody is between you ` +
      `and it; ${INSTEAD}`,
  };
}

/** `[127.0.0.1]:2222` or `github.com`, as known_hosts has it. */
function hostIn(sshLog: string): string {
  const named = last(
    sshLog,
    /(?:Host key for|host key is known for|host key for) (\S+) (?:has|and|is)/g,
  )?.[1];
  return named ?? last(sshLog, /Connecting to (\S+)/g)?.[1] ?? "the server";
}

/** Files that SSH_KNOWN_HOSTS names, or that ssh looks into by default. */
function missingFiles(sshLog: string): string {
  const missing = [...sshLog.matchAll(/load_hostkeys: fopen (.+): No such file or directory/g)].map(
    ([, file]) => file,
  );
  const names = [...new Set(missing)].filter((file) => file !== "/dev/null");
  return names.length === 0 ? "" : `; not there: ${names.join(", ")}`;
}

function keyscan(host: string): string {
  const [, address, port] = /^\[(.+)\]:(\d+)$/.exec(host) ?? [];
  return address === undefined ? `ssh-keyscan ${host}` : `ssh-keyscan -p ${port} ${address}`;
}

/** `ssh-ed25519 SHA256:…` of a line of known_hosts (sshd(8)). */
function readFingerprint(file: string, line: number): string {
  try {
    const fields = (readFileSync(file, "utf8").split("\n")[line - 1] ?? "").trim().split(/\s+/);
    const [, type = "", key = ""] = fields[0]?.startsWith("@") ? fields.slice(1) : fields;
    const digest = createHash("sha256").update(Buffer.from(key, "base64")).digest("base64");
    return `${type} SHA256:${digest.replace(/=+$/, "")}`;
  } catch {
    return "another one"; // ssh could read it a moment ago; the explanation is good without it
  }
}

function last(text: string, pattern: RegExp): RegExpExecArray | undefined {
  return [...text.matchAll(pattern)].at(-1);
}
