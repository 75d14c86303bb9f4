import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer, type ServerOptions } from "node:https";
import { type AddressInfo, connect as connectSocket } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TLSSocket } from "node:tls";
import { createLogger } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ConnectOptions, connect } from "./connect.ts";
import { startFakeApiServer } from "./fake-api-server.ts";
import { userAgent } from "./kubernetes-client.ts";
import { createRestClient } from "./rest-client.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-connect-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

interface KubeconfigParts {
  namespace?: string;
  token?: string;
  cluster?: Record<string, unknown>;
  user?: Record<string, unknown>;
}

function kubeconfig(name: string, server: string, more: KubeconfigParts = {}): string {
  const file = join(directory, name);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "k", cluster: { server, ...more.cluster } }],
    users: [{ name: "u", user: more.user ?? { token: more.token ?? "from-file" } }],
    contexts: [
      {
        name: "c",
        context: { cluster: "k", user: "u", ...(more.namespace ? { namespace: more.namespace } : {}) },
      },
    ],
  };
  writeFileSync(file, JSON.stringify(config));
  return file;
}

function serviceAccount(name: string, ca: string | Buffer): string {
  const at = join(directory, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "token"), "first\n");
  writeFileSync(join(at, "ca.crt"), ca);
  writeFileSync(join(at, "namespace"), "team\n");
  return at;
}

describe("connect", () => {
  it("prefers --kubeconfig to KUBECONFIG and takes the namespace of its context", async () => {
    await using server = await startFakeApiServer();
    const chosen = kubeconfig("chosen", server.url.href, { namespace: "blue" });
    const other = kubeconfig("other", "http://127.0.0.1:1");
    const connection = await connect({
      flags: { kubeconfig: chosen },
      env: { KUBECONFIG: other },
      serviceAccount: "/none",
    });
    const client = createRestClient(connection, { userAgent: "test" });
    await client.send({ method: "POST", path: "/x", body: { metadata: { name: "n" } } });
    client.close();
    expect(client.namespace).toBe("blue");
    expect(server.requests[0]?.authorization).toBe("Bearer from-file");
  });

  it("lets flags override what the file says", async () => {
    const file = kubeconfig("flags", "http://127.0.0.1:1", { namespace: "blue" });
    const connection = await connect({
      flags: {
        namespace: "green",
        server: "http://127.0.0.1:2",
        token: "mine",
        as: "someone",
        asGroup: ["blue", "red"],
        proxyUrl: "http://127.0.0.1:3",
      },
      env: { KUBECONFIG: file },
      serviceAccount: "/none",
    });
    expect(connection.namespace).toBe("green");
    expect(connection.server.port).toBe("2");
    expect(connection.proxyUrl).toBe("http://127.0.0.1:3");
    expect(await connection.authorization()).toMatchObject({
      authorization: "Bearer mine",
      "impersonate-user": "someone",
      "impersonate-group": ["blue", "red"],
    });
  });

  it("reads several kubeconfig files as kubectl does: the first that has a name wins", async () => {
    const first = kubeconfig("first", "http://127.0.0.1:1", { token: "first" });
    const second = kubeconfig("second", "http://127.0.0.1:2", { token: "second", namespace: "blue" });
    const KUBECONFIG = [join(directory, "absent"), first, second].join(delimiter);
    const connection = await connect({ flags: {}, env: { KUBECONFIG }, serviceAccount: "/none" });
    expect(connection.server.port).toBe("1");
    expect(connection.namespace).toBe("default");
    expect(await connection.authorization()).toEqual({ Authorization: "Bearer first" });
  });

  it.each([
    [{}, "team"],
    [{ POD_NAMESPACE: "pod" }, "pod"],
  ])("takes the namespace in a pod from %j or the service account", async (more, namespace) => {
    const at = serviceAccount("plain", "");
    const env = {
      HOME: directory,
      KUBERNETES_SERVICE_HOST: "10.0.0.1",
      KUBERNETES_SERVICE_PORT: "443",
      ...more,
    };
    expect((await connect({ flags: {}, env, serviceAccount: at })).namespace).toBe(namespace);
  });

  it("reads the token again after a minute, and keeps the old one while the file is away", async () => {
    const at = serviceAccount("rotating", "");
    let now = 0;
    const env = { HOME: directory, KUBERNETES_SERVICE_HOST: "::1", KUBERNETES_SERVICE_PORT: "443" };
    const connection = await connect({ flags: {}, env, serviceAccount: at, now: () => now });
    expect(connection.server.href).toBe("https://[::1]/");
    writeFileSync(join(at, "token"), "second\n");
    expect((await connection.authorization()).authorization).toBe("Bearer first");
    now = 61_000;
    expect((await connection.authorization()).authorization).toBe("Bearer second");
    rmSync(join(at, "token"));
    now = 200_000;
    expect((await connection.authorization()).authorization).toBe("Bearer second");
  });

  it("asks once more with the token that has replaced the refused one, and not with the same one", async () => {
    const { key, cert, certFile } = makeCertificate();
    const at = serviceAccount("replaced", readFileSync(certFile));
    const seen: (string | undefined)[] = [];
    const server = createServer({ key, cert }, (request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(request.headers.authorization === "Bearer second" ? 200 : 401).end("{}");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const env = {
      HOME: directory,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: String(port),
    };
    const connection = await connect({ flags: {}, env, serviceAccount: at });
    const client = createRestClient(connection, { userAgent: "test" });
    try {
      await expect(client.send({ method: "GET", path: "/x" })).rejects.toMatchObject({ status: 401 });
      expect(seen).toEqual(["Bearer first"]);
      writeFileSync(join(at, "token"), "second\n");
      expect(await client.send({ method: "GET", path: "/x" })).toEqual({});
      expect(seen).toEqual(["Bearer first", "Bearer first", "Bearer second"]);
    } finally {
      client.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  it.each([
    [
      "that is no YAML, without the lines around the mistake, where a token may stand",
      "users:\n- name: u\n  user:\n    token: sekret\n   bad: [\n",
      /broken:5:4: bad indentation of a mapping entry$/,
    ],
    [
      "without a context",
      "apiVersion: v1\n",
      /no current-context is set in .*broken; set one, or give --context/,
    ],
  ])("says what is wrong with a kubeconfig %s", async (_what, text, complaint) => {
    const file = join(directory, "broken");
    writeFileSync(file, text);
    const tried = connect({
      flags: { kubeconfig: file },
      env: {},
      serviceAccount: join(directory, "none"),
      now: Date.now,
    });
    await expect(tried).rejects.toThrow(complaint);
    await expect(tried).rejects.not.toThrow(/sekret/);
  });

  it("says what was tried when nothing is configured (exit code 2)", async () => {
    await expect(
      connect({ flags: {}, env: { HOME: directory }, serviceAccount: "/none" }),
    ).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("KUBERNETES_SERVICE_HOST is not set"),
    });
    const env = { HOME: directory, KUBERNETES_SERVICE_HOST: "h", KUBERNETES_SERVICE_PORT: "1" };
    await expect(
      connect({ flags: {}, env, serviceAccount: join(directory, "absent") }),
    ).rejects.toMatchObject({
      exitCode: 2,
      message: expect.stringContaining("absent"),
    });
  });
});

/** A key and a certificate for 127.0.0.1 that is its own CA; good for servers and for clients. */
function makeCertificate(): { keyFile: string; certFile: string; key: Buffer; cert: Buffer } {
  const keyFile = join(directory, "key.pem");
  const certFile = join(directory, "cert.pem");
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", keyFile];
  const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
  execFileSync("openssl", ["req", "-x509", "-days", "1", ...key, ...subject, "-out", certFile], {
    stdio: "pipe",
  });
  return { keyFile, certFile, key: readFileSync(keyFile), cert: readFileSync(certFile) };
}

/** A TLS server that says what it was shown: the token, and whose certificate. */
async function startTlsServer(options: ServerOptions): Promise<{ url: URL } & AsyncDisposable> {
  const server = createServer(options, (request, response) => {
    const { subject } = (request.socket as TLSSocket).getPeerCertificate();
    response.end(JSON.stringify({ token: request.headers.authorization, client: subject?.CN }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}`),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("createRestClient over TLS", () => {
  const ask = async (options: ConnectOptions): Promise<unknown> => {
    const client = createRestClient(await connect(options), { userAgent: "test" });
    try {
      return await client.send({ method: "GET", path: "/" });
    } finally {
      client.close();
    }
  };

  it("trusts the CA of the service account and nothing else", async () => {
    const { key, cert } = makeCertificate();
    await using server = await startTlsServer({ key, cert });
    const env = {
      HOME: directory,
      KUBERNETES_SERVICE_HOST: "127.0.0.1",
      KUBERNETES_SERVICE_PORT: server.url.port,
    };
    const inPod = (at: string) => ask({ flags: {}, env, serviceAccount: at });
    expect(await inPod(serviceAccount("trusted", cert))).toEqual({ token: "Bearer first" });
    await expect(inPod(serviceAccount("stranger", ""))).rejects.toMatchObject({
      code: "network.tls",
      transient: false,
    });
  });

  it("shows the client certificate of a kubeconfig", async () => {
    const { keyFile, certFile, key, cert } = makeCertificate();
    await using server = await startTlsServer({
      key,
      cert,
      ca: cert,
      requestCert: true,
      rejectUnauthorized: true,
    });
    const file = kubeconfig("mtls", server.url.href, {
      cluster: { "certificate-authority": certFile },
      user: { "client-certificate": certFile, "client-key": keyFile },
    });
    const options = { flags: { kubeconfig: file }, env: {}, serviceAccount: "/none" };
    expect(await ask(options)).toEqual({ client: "127.0.0.1" });
  });
});

describe("createRestClient", () => {
  const connectionTo = (server: URL) => ({
    server,
    namespace: "n",
    tls: {},
    authorization: async () => ({}),
  });

  it("takes a refused connection for transient and names the server", async () => {
    await using server = await startFakeApiServer();
    const { url } = server;
    await server[Symbol.asyncDispose]();
    await expect(
      createRestClient(connectionTo(url), { userAgent: "t" }).send({ method: "GET", path: "/" }),
    ).rejects.toMatchObject({
      code: "network.unreachable",
      transient: true,
      message: expect.stringContaining(url.origin),
    });
  });

  it("gives up on a server that accepts and never answers", async () => {
    await using server = await startFakeApiServer();
    server.faults.push(() => {});
    await expect(
      createRestClient(connectionTo(server.url), { userAgent: "t", timeoutMs: 50 }).send({
        method: "GET",
        path: "/",
      }),
    ).rejects.toMatchObject({ transient: true, message: expect.stringContaining("no answer in time") });
  });

  it("hands on the reason of its caller's signal", async () => {
    await using server = await startFakeApiServer();
    const stop = new AbortController();
    server.faults.push(() => stop.abort(new Error("told to stop")));
    await expect(
      createRestClient(connectionTo(server.url), { userAgent: "t" }).send({
        method: "GET",
        path: "/",
        signal: stop.signal,
      }),
    ).rejects.toThrow("told to stop");
  });

  it("goes through the proxy it is given", async () => {
    await using server = await startFakeApiServer();
    const tunnelled: string[] = [];
    // Node's agent tunnels https with CONNECT and asks for http by the whole URL; the API fake speaks http.
    const proxy = createHttpServer((request, response) => {
      tunnelled.push(request.url ?? "");
      const target = new URL(request.url ?? "");
      const upstream = connectSocket(Number(target.port), target.hostname, () => {
        upstream.write(`GET ${target.pathname} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
        upstream.pipe(request.socket);
      });
      response.on("error", () => {});
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
    const client = createRestClient({ ...connectionTo(server.url), proxyUrl }, { userAgent: "t" });
    await expect(client.send({ method: "GET", path: "/apis" })).rejects.toMatchObject({ status: 404 });
    client.close();
    proxy.closeAllConnections();
    proxy.close();
    expect(tunnelled).toEqual([`${server.url.origin}/apis`]);
  });

  it("says so when something else than an API server answers", async () => {
    await using server = await startFakeApiServer();
    server.faults.push((_request, response) => response.end("<html>log in first</html>"));
    const client = createRestClient(connectionTo(server.url), { userAgent: "t" });
    await expect(client.send({ method: "GET", path: "/" })).rejects.toMatchObject({
      code: "kubernetes.failed",
      message: expect.stringContaining("<html>log in first</html>"),
    });
    client.close();
  });

  it("logs each request at level debug", async () => {
    await using server = await startFakeApiServer();
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line), level: "debug", format: "text" });
    const client = createRestClient(connectionTo(server.url), { userAgent: "t", log });
    const path = "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults";
    await client.send({ method: "POST", path, body: { metadata: { name: "n" } } });
    client.close();
    expect(lines).toEqual([
      expect.stringMatching(/level=DEBUG msg="K8S request" verb=Create kind=workflowtaskresults status=201/),
    ]);
  });
});

describe("userAgent", () => {
  it("names program, version and platform in client-go's form, and ends as argoexec's does", () => {
    expect(userAgent("0.1.0")).toMatch(
      /^argoexec\/0\.1\.0 \(linux\/(amd64|arm64)\) skein\/argo-workflows\/0\.1\.0 argo-executor$/,
    );
  });
});
