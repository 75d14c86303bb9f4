import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { connect } from "./connect.ts";
import { startFakeApiServer } from "./fake-api-server.ts";
import { createRestClient } from "./rest-client.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-connect-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function kubeconfig(name: string, server: string, more: { namespace?: string; token?: string } = {}): string {
  const file = join(directory, name);
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "c",
    clusters: [{ name: "k", cluster: { server } }],
    users: [{ name: "u", user: { token: more.token ?? "from-file" } }],
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
      flags: { namespace: "green", server: "http://127.0.0.1:2", token: "mine", as: "someone" },
      env: { KUBECONFIG: file },
      serviceAccount: "/none",
    });
    expect(connection.namespace).toBe("green");
    expect(connection.server.port).toBe("2");
    expect(await connection.authorization()).toMatchObject({
      authorization: "Bearer mine",
      "impersonate-user": "someone",
    });
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

describe("createRestClient over TLS", () => {
  it("trusts the CA of the service account and nothing else", async () => {
    const key = join(directory, "key.pem");
    const cert = join(directory, "cert.pem");
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    execFileSync(
      "openssl",
      [
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "1",
        ...subject,
        "-keyout",
        key,
        "-out",
        cert,
      ],
      { stdio: "pipe" },
    );
    const server = createServer({ key: readFileSync(key), cert: readFileSync(cert) }, (request, response) => {
      response.end(JSON.stringify({ token: request.headers.authorization }));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const port = String((server.address() as AddressInfo).port);
    const env = { HOME: directory, KUBERNETES_SERVICE_HOST: "127.0.0.1", KUBERNETES_SERVICE_PORT: port };
    const ask = async (at: string): Promise<unknown> => {
      const client = createRestClient(await connect({ flags: {}, env, serviceAccount: at }), {
        userAgent: "test",
      });
      try {
        return await client.send({ method: "GET", path: "/" });
      } finally {
        client.close();
      }
    };
    try {
      expect(await ask(serviceAccount("trusted", readFileSync(cert)))).toEqual({ token: "Bearer first" });
      await expect(ask(serviceAccount("stranger", ""))).rejects.toMatchObject({
        code: "network.tls",
        transient: false,
      });
    } finally {
      server.closeAllConnections();
      server.close();
    }
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
});
