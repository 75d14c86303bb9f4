import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { runCommand } from "./command.ts";
import { freePort } from "./free-port.ts";

/** A real sshd on 127.0.0.1 and 127.0.0.2 that lets one key in, as the user who runs the tests. */
export interface SshServer extends AsyncDisposable {
  port: number;
  user: string;
  /** The private key that is let in. */
  privateKey: string;
  /** Fingerprint of the server's key: `SHA256:…`. */
  fingerprint: string;
  /** Fingerprint of {@link wrongKnownHost}. */
  wrongFingerprint: string;
  /** A line for known_hosts, with this server's key. */
  knownHost: string;
  /** A line for known_hosts, with a key of nobody. */
  wrongKnownHost: string;
  /** The same for any host. */
  lineFor(host: string): string;
  /** What the server has to tell so far: who came with which key. */
  log(): string;
}

export interface SshServerOptions {
  /** Run in the place of whatever is asked for. */
  command?: string;
}

const SSHD = "/usr/sbin/sshd";
const START_TIMEOUT_MS = 10_000;

/** Why there can be no sshd here; undefined when there can. */
export function whyNoSshServer(): string | undefined {
  if (!existsSync(SSHD)) return `${SSHD} is not there: apt-get install openssh-server`;
  if (process.getuid?.() !== 0) return "sshd needs root to log somebody in";
  return undefined;
}

export async function startSshServer({ command }: SshServerOptions = {}): Promise<SshServer> {
  const directory = await mkdtemp(join(tmpdir(), "skein-sshd-"));
  const key = async (name: string): Promise<{ path: string; line: string; fingerprint: string }> => {
    const path = join(directory, name);
    await runCommand("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", path]);
    const [type, body = ""] = (await readFile(`${path}.pub`, "utf8")).split(" ");
    const digest = createHash("sha256").update(Buffer.from(body, "base64")).digest("base64");
    return { path, line: `${type} ${body}`, fingerprint: `SHA256:${digest.replace(/=+$/, "")}` };
  };
  const [host, user, stranger] = await Promise.all([key("host"), key("user"), key("stranger")]);
  const forced = command === undefined ? "" : `command="${command}" `;
  await writeFile(join(directory, "authorized_keys"), `${forced}${user.line}\n`, { mode: 0o600 });
  await runCommand("mkdir", ["-p", "/run/sshd"]);
  const port = await freePort();
  const settings = [
    `Port=${port}`,
    "ListenAddress=127.0.0.1",
    "ListenAddress=127.0.0.2",
    `HostKey=${host.path}`,
    `AuthorizedKeysFile=${join(directory, "authorized_keys")}`,
    "StrictModes=no",
    "PasswordAuthentication=no",
    "PermitRootLogin=prohibit-password",
    "UsePAM=no",
    "PidFile=none",
    "LogLevel=VERBOSE",
  ];
  const options = settings.flatMap((setting) => ["-o", setting]);
  const child = spawn(SSHD, ["-D", "-e", "-f", "/dev/null", ...options], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk;
  });
  await untilListening(child, port);
  return {
    port,
    user: userInfo().username,
    privateKey: await readFile(user.path, "utf8"),
    fingerprint: host.fingerprint,
    wrongFingerprint: stranger.fingerprint,
    lineFor: (name) => `${name} ${host.line}\n`,
    log: () => log,
    knownHost: `[127.0.0.1]:${port} ${host.line}\n`,
    wrongKnownHost: `[127.0.0.1]:${port} ${stranger.line}\n`,
    async [Symbol.asyncDispose]() {
      const ended = new Promise((resolve) => child.once("exit", resolve));
      child.kill("SIGTERM");
      await ended;
      await rm(directory, { recursive: true, force: true });
    },
  };
}

async function untilListening(child: ChildProcess, port: number): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (child.exitCode === null && Date.now() < deadline) {
    const listening = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      }).on("error", () => resolve(false));
    });
    if (listening) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`sshd did not start (exit code ${child.exitCode})`);
}
