import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { freePort } from "../../test/support/free-port.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../test/support/loopback-certificate.ts";
import { run, TOOLS } from "./case.ts";

/** etcd and a kube-apiserver with RBAC and the pod security admission, and nothing that acts on what is in it. */
export interface ApiServer extends AsyncDisposable {
  /** Path of a kubeconfig of an administrator. */
  kubeconfig: string;
}

const PROGRAM = join(TOOLS, "kube-apiserver");
const START_TIMEOUT_MS = 120_000;

/** Why there can be none on this machine; undefined when there can. */
export function whyNoApiServer(): string | undefined {
  if (!existsSync(PROGRAM)) return "there is no kube-apiserver; `make e2e` builds it";
  if (spawnSync("etcd", ["--version"]).error) return "there is no etcd (Debian: apt-get install etcd-server)";
  return undefined;
}

export async function startApiServer(directory: string): Promise<ApiServer> {
  mkdirSync(join(directory, "etcd"), { recursive: true, mode: 0o700 });
  const file = (name: string, content: string): string => {
    const path = join(directory, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { privateKey, publicKey } = generateKeyPairSync("rsa", {
    modulusLength: 2048,
    publicKeyEncoding: { type: "spki", format: "pem" },
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
  });
  const [client, peer, port] = [await freePort(), await freePort(), await freePort()];
  const etcdUrl = `http://127.0.0.1:${client}`;
  const peerUrl = `http://127.0.0.1:${peer}`;
  const etcd = launch(directory, "etcd", {
    "data-dir": join(directory, "etcd"),
    "listen-client-urls": etcdUrl,
    "advertise-client-urls": etcdUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `default=${peerUrl}`,
  });
  const server = launch(directory, PROGRAM, {
    "etcd-servers": etcdUrl,
    "bind-address": "127.0.0.1",
    "secure-port": String(port),
    "tls-cert-file": file("apiserver.crt", LOOPBACK_CERTIFICATE),
    "tls-private-key-file": file("apiserver.key", LOOPBACK_KEY),
    "cert-dir": directory,
    "authorization-mode": "RBAC",
    "token-auth-file": file("tokens.csv", `administrator,admin,admin,"system:masters"\n`),
    "service-account-issuer": "https://kubernetes.default.svc",
    "service-account-key-file": file("service-account.pub", publicKey),
    "service-account-signing-key-file": file("service-account.key", privateKey),
    "service-cluster-ip-range": "10.0.0.0/24",
    // Debian's etcd 3.4 cannot tell how far a watch is; image volumes are what init-less pods need.
    "feature-gates": "WatchList=false,ImageVolume=true",
  });
  const kubeconfig = file("kubeconfig", adminConfig(port));
  const stop = async (): Promise<void> => {
    await end(server);
    await end(etcd);
  };
  try {
    await untilReady(kubeconfig, server, join(directory, "kube-apiserver.log"));
  } catch (error) {
    await stop();
    throw error;
  }
  return { kubeconfig, [Symbol.asyncDispose]: stop };
}

/** In a process group of its own, so that Ctrl-C ends the suite first and that ends the rest. */
function launch(directory: string, program: string, options: Readonly<Record<string, string>>): ChildProcess {
  const log = openSync(join(directory, `${program.split("/").pop()}.log`), "a");
  const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
  const child = spawn(program, args, { detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL"); // nobody needs what it holds
  await ended;
}

async function untilReady(kubeconfig: string, server: ChildProcess, log: string): Promise<void> {
  const deadline = Date.now() + START_TIMEOUT_MS;
  for (;;) {
    try {
      run(["kubectl", "get", "--raw", "/readyz"], { env: { KUBECONFIG: kubeconfig } });
      return;
    } catch (error) {
      if (server.exitCode !== null || Date.now() > deadline) {
        throw new Error(
          `kube-apiserver did not start; the end of its log:\n${readFileSync(log, "utf8").slice(-2000)}`,
          {
            cause: error,
          },
        );
      }
      await delay(200);
    }
  }
}

function adminConfig(port: number): string {
  const authority = Buffer.from(LOOPBACK_CERTIFICATE).toString("base64");
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "test",
    clusters: [
      {
        name: "test",
        cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority-data": authority },
      },
    ],
    users: [{ name: "admin", user: { token: "administrator" } }],
    contexts: [{ name: "test", context: { cluster: "test", user: "admin" } }],
  });
}
