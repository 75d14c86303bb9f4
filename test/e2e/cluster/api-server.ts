import { generateKeyPairSync } from "node:crypto";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { freePort } from "../../support/free-port.ts";
import { LOOPBACK_CERTIFICATE, LOOPBACK_KEY } from "../../support/loopback-certificate.ts";
import { createKubeClient, type KubeClient } from "./kube-client.ts";
import { type Server, startServer } from "./process.ts";

/** A real kube-apiserver with RBAC, on one port for all its lives. */
export interface ApiServer {
  port: number;
  /** PEM of whom to trust. */
  ca: string;
  /** PEM of the key that service-account tokens are signed with. */
  signingKey: string;
  /** As a cluster's administrator. */
  admin: KubeClient;
  /** Path of the same administrator's kubeconfig, for other programs. */
  kubeconfig: string;
  /** It ends without a word, and its clients' connections with it. */
  crash(): Promise<void>;
  /** After a crash: the same server, on the same port, with the same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
}

export const API_SERVER = fileURLToPath(new URL("../../../.tools/bin/kube-apiserver", import.meta.url));
const ADMIN_TOKEN = "e2e-administrator";
const ISSUER = "https://kubernetes.default.svc";

export async function startApiServer(directory: string, etcd: string): Promise<ApiServer> {
  if (!existsSync(API_SERVER)) {
    throw new Error(`the suite runs a real API server, and ${API_SERVER} is not there: run \`make e2e\``);
  }
  const port = await freePort();
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
  const options: Readonly<Record<string, string>> = {
    "etcd-servers": etcd,
    "bind-address": "127.0.0.1",
    "secure-port": String(port),
    "tls-cert-file": file("apiserver.crt", LOOPBACK_CERTIFICATE),
    "tls-private-key-file": file("apiserver.key", LOOPBACK_KEY),
    "cert-dir": directory,
    "authorization-mode": "RBAC",
    "token-auth-file": file("tokens.csv", `${ADMIN_TOKEN},admin,admin,"system:masters"\n`),
    "service-account-issuer": ISSUER,
    "service-account-key-file": file("service-account.pub", publicKey),
    "service-account-signing-key-file": file("service-account.key", privateKey),
    "service-cluster-ip-range": "10.0.0.0/24",
    // Debian's etcd 3.4 cannot tell how far a watch is, which lists over watches need. Without image volumes there are no
    // pods of the init-less layout: the server makes emptyDirs of them, silently.
    "feature-gates": "WatchList=false,ImageVolume=true",
    "anonymous-auth": "false",
  };
  const admin = createKubeClient(port, LOOPBACK_CERTIFICATE, ADMIN_TOKEN);
  const launch = (): Promise<Server> =>
    startServer({
      argv: [API_SERVER, ...Object.entries(options).map(([name, value]) => `--${name}=${value}`)],
      log: join(directory, "kube-apiserver.log"),
      isReady: async () => (await admin.get<string>("/readyz")) === "ok",
      startTimeoutMs: 120_000,
    });
  let server = await launch();
  return {
    port,
    ca: LOOPBACK_CERTIFICATE,
    signingKey: privateKey,
    admin,
    kubeconfig: file("kubeconfig", adminConfig(port)),
    crash: () => server.kill(),
    async start() {
      server = await launch();
    },
    async stop() {
      admin.close();
      await server.stop();
    },
  };
}

function adminConfig(port: number): string {
  const authority = Buffer.from(LOOPBACK_CERTIFICATE).toString("base64");
  const cluster = { server: `https://127.0.0.1:${port}`, "certificate-authority-data": authority };
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    "current-context": "e2e",
    clusters: [{ name: "e2e", cluster }],
    users: [{ name: "admin", user: { token: ADMIN_TOKEN } }],
    contexts: [{ name: "e2e", context: { cluster: "e2e", user: "admin" } }],
  });
}
