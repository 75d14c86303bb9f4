import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { type HttpLocation, isNotFound } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import {
  collect,
  type ObservedTransfer,
  observedTransfer,
  patternedBytes,
  secretsOf,
  temporaryDirectory,
} from "../test-support.ts";
import { createHttpDriver } from "./http-driver.ts";

const BODY = patternedBytes(600_000);
const isBody = (bytes: Buffer): boolean => BODY.equals(bytes);

interface TestServer extends AsyncDisposable {
  url: string;
  seen: { method: string; url: string; headers: IncomingMessage["headers"]; body: Buffer }[];
}

async function serve(
  handler: RequestListener,
  tls?: { key: string; cert: string; ca: string },
): Promise<TestServer> {
  const seen: TestServer["seen"] = [];
  const listener: RequestListener = async (request, response) => {
    const { method = "", url = "", headers } = request;
    const entry: TestServer["seen"][number] = { method, url, headers, body: Buffer.alloc(0) };
    seen.push(entry);
    if (method !== "GET") entry.body = await collect(request);
    handler(request, response);
  };
  const server = tls
    ? createTlsServer({ ...tls, requestCert: true, rejectUnauthorized: true }, listener)
    : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `${tls ? "https" : "http"}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const SECRETS = secretsOf({ "web/user": "ann", "web/password": "s3cret", "web/empty": "" });

function driverOf(url: string, more: Partial<HttpLocation> = {}, stallTimeoutMs = 5000) {
  return createHttpDriver({ url, ...more }, { secrets: SECRETS, stallTimeoutMs, proxyEnv: {} });
}

async function load(driver: ReturnType<typeof driverOf>, observed = observedTransfer()): Promise<Buffer> {
  const content = await driver.open(observed.transfer);
  if (content.kind !== "stream") throw new Error("expected a stream");
  return collect(content.stream);
}

function save(driver: ReturnType<typeof driverOf>, observed: ObservedTransfer, sizeBytes?: number) {
  const open = async function* () {
    yield BODY.subarray(0, 1000);
    yield BODY.subarray(1000);
  };
  const known = sizeBytes === undefined ? {} : { sizeBytes };
  return driver.saveStream?.({ open, fileName: "x", ...known }, observed.transfer);
}

describe("loading", () => {
  it("asks for the content as it is stored, with the headers of the artifact", async () => {
    await using server = await serve((_request, response) => response.end(BODY));
    const headers = [
      { name: "X-Team", value: "a" },
      { name: "x-team", value: "b" },
      { name: "Host", value: "elsewhere" },
    ];
    expect(await load(driverOf(`${server.url}/dir/file.bin`, { headers }))).toSatisfy(isBody);
    expect(server.seen).toMatchObject([
      { method: "GET", url: "/dir/file.bin", headers: { "x-team": "a, b", "accept-encoding": "identity" } },
    ]);
    expect(server.seen[0]?.headers.host).toBe(new URL(server.url).host);
  });

  it.each<[string, HttpLocation["auth"], string | undefined]>([
    [
      "user and password",
      {
        basicAuth: {
          usernameSecret: { name: "web", key: "user" },
          passwordSecret: { name: "web", key: "password" },
        },
      },
      `Basic ${btoa("ann:s3cret")}`,
    ],
    [
      "nothing, when one of them is empty",
      {
        basicAuth: {
          usernameSecret: { name: "web", key: "empty" },
          passwordSecret: { name: "web", key: "password" },
        },
      },
      undefined,
    ],
  ])("sends %s", async (_what, auth, authorization) => {
    await using server = await serve((_request, response) => response.end());
    await load(driverOf(server.url, auth && { auth }));
    expect(server.seen[0]?.headers.authorization).toBe(authorization);
  });

  it.each([404, 410])("says not found for a %i", async (status) => {
    await using server = await serve((_request, response) => response.writeHead(status).end());
    const error: unknown = await load(driverOf(`${server.url}/x`)).catch((reason: unknown) => reason);
    expect(isNotFound(error)).toBe(true);
    expect((error as Error).message).toMatch(
      new RegExp(`^loading content from ${server.url}/x failed with reason: ${status} `),
    );
  });

  it("does not print what may be a signature, nor a password", async () => {
    await using server = await serve((_request, response) => response.writeHead(403).end());
    const url = `${server.url.replace("://", "://ann:s3cret@")}/x?X-Signature=abc`;
    const error: unknown = await load(driverOf(url)).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "http.unauthorized",
      message: `loading content from ${server.url}/x failed with reason: 403 Forbidden`,
    });
  });

  it("tries again after an answer that says later, and not after one that says no", async () => {
    let answers = 0;
    await using server = await serve((_request, response) => {
      if (answers++ < 2) response.writeHead(503).end();
      else response.end(BODY);
    });
    const observed = observedTransfer();
    expect(await load(driverOf(server.url), observed)).toSatisfy(isBody);
    expect(observed.retries).toHaveLength(2);
  });

  it("continues a broken download where it stopped", async () => {
    await using server = await serve((request, response) => {
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const rest = BODY.subarray(from);
      response.writeHead(from > 0 ? 206 : 200, {
        etag: '"1"',
        "content-length": rest.byteLength,
        ...(from > 0 && { "content-range": `bytes ${from}-${BODY.byteLength - 1}/${BODY.byteLength}` }),
      });
      if (from > 0) response.end(rest);
      else response.write(rest.subarray(0, 200_000), () => response.destroy());
    });
    const observed = observedTransfer();
    expect(await load(driverOf(server.url), observed)).toSatisfy(isBody);
    expect(observed.transfer.tally.bytes).toBe(BODY.byteLength);
    expect(server.seen[1]?.headers["if-range"]).toBe('"1"');
    expect(observed.retries).toMatchObject([{ code: "transfer.interrupted" }]);
  });

  it("does not join two versions of the content", async () => {
    let version = 0;
    await using server = await serve((_request, response) => {
      version++;
      response.writeHead(200, { etag: `"${version}"`, "content-length": BODY.byteLength });
      if (version === 1) response.write(BODY.subarray(0, 1000), () => response.destroy());
      else response.end(BODY);
    });
    await expect(load(driverOf(server.url))).rejects.toMatchObject({
      code: "transfer.interrupted",
      transient: true,
    });
  });

  it("leaves a server that delivers nothing", async () => {
    await using server = await serve((_request, response) => {
      response.writeHead(200, { "content-length": BODY.byteLength });
      response.write(BODY.subarray(0, 1000));
    });
    const observed = observedTransfer();
    await expect(load(driverOf(server.url, {}, 100), observed)).rejects.toMatchObject({
      code: "transfer.stalled",
      transient: true,
    });
    expect(observed.transfer.tally.stalledMs).toBe(100);
  });

  it("refuses what is not http", () => {
    expect(() => driverOf("ftp://host/x")).toThrow("not an http or https URL");
    expect(() => driverOf("/wf/pod/x.tgz")).toThrow('not an http or https URL: "/wf/pod/x.tgz"');
  });
});

describe("redirects", () => {
  it("are followed, and another host gets no credentials", async () => {
    await using target = await serve((_request, response) => response.end(BODY));
    await using server = await serve((_request, response) =>
      response.writeHead(302, { location: `${target.url}/blob` }).end(),
    );
    const auth = {
      basicAuth: {
        usernameSecret: { name: "web", key: "user" },
        passwordSecret: { name: "web", key: "password" },
      },
    };
    const headers = [
      { name: "Private-Token", value: "t0ken" },
      { name: "X-Plain", value: "yes" },
    ];
    expect(await load(driverOf(server.url, { auth, headers }))).toSatisfy(isBody);
    expect(server.seen[0]?.headers.authorization).toBeDefined();
    expect(target.seen[0]?.headers).toMatchObject({ "x-plain": "yes" });
    expect(target.seen[0]?.headers.authorization).toBeUndefined();
    expect(target.seen[0]?.headers["private-token"]).toBeUndefined();
  });

  it("end after ten", async () => {
    await using server = await serve((request, response) =>
      response.writeHead(302, { location: `${request.url}x` }).end(),
    );
    await expect(load(driverOf(`${server.url}/`))).rejects.toThrow("stopped after 10 redirects");
    expect(server.seen).toHaveLength(11);
  });
});

describe("saving", () => {
  it("puts the bytes with their length, when it is known", async () => {
    await using server = await serve((_request, response) => response.writeHead(201).end());
    const observed = observedTransfer();
    await save(driverOf(`${server.url}/a`), observed, BODY.byteLength);
    await save(driverOf(`${server.url}/b`), observed);
    expect(server.seen).toMatchObject([
      { method: "PUT", url: "/a", headers: { "content-length": String(BODY.byteLength) } },
      { method: "PUT", url: "/b", headers: { "transfer-encoding": "chunked" } },
    ]);
    expect(server.seen.every(({ body }) => isBody(body))).toBe(true);
    expect(observed.transfer.tally.bytes).toBe(2 * BODY.byteLength);
  });

  it("sends everything again where it is told to, and after an answer that says later", async () => {
    let answers = 0;
    await using server = await serve((_request, response) => {
      if (answers++ === 0) response.writeHead(307, { location: "/final" }).end();
      else response.writeHead(answers === 2 ? 502 : 200).end();
    });
    const observed = observedTransfer();
    await save(driverOf(`${server.url}/first`), observed);
    expect(server.seen.map(({ url }) => url)).toEqual(["/first", "/final", "/first"]);
    expect(server.seen.every(({ body }) => isBody(body))).toBe(true);
    expect(observed.transfer.tally.bytes).toBe(BODY.byteLength);
  });

  it.each<[number, string]>([
    [403, "http.unauthorized"],
    [302, "http.status"],
    [404, "http.not_found"],
  ])("fails with a %i", async (status, code) => {
    await using server = await serve((_request, response) =>
      response.writeHead(status, { location: "/elsewhere" }).end(),
    );
    await expect(save(driverOf(server.url), observedTransfer())).rejects.toMatchObject({ code });
  });
});

describe("a client certificate", () => {
  it("is shown to a server that is trusted", async () => {
    await using directory = await temporaryDirectory();
    const path = (name: string): string => join(directory.path, name);
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    const files = ["-keyout", path("key"), "-out", path("cert")];
    await runCommand("openssl", ["req", "-x509", "-newkey", "rsa:2048", "-nodes", ...files, ...subject]);
    const key = await readFile(path("key"), "utf8");
    const cert = await readFile(path("cert"), "utf8");
    await using server = await serve((_request, response) => response.end("let in"), { key, cert, ca: cert });
    const auth = {
      clientCert: {
        clientCertSecret: { name: "tls", key: "cert" },
        clientKeySecret: { name: "tls", key: "key" },
      },
    };
    const secrets = secretsOf({ "tls/cert": cert, "tls/key": key });
    const options = { secrets, stallTimeoutMs: 5000, proxyEnv: {} };
    const driver = createHttpDriver({ url: server.url, auth }, options);
    await expect(load(driver)).rejects.toMatchObject({ code: "network.tls" }); // nobody knows the server yet
    setDefaultCACertificates([...getCACertificates(), cert]);
    await expect(load(driverOf(server.url))).rejects.toThrow(); // the server does not know us
    const trusting = createHttpDriver({ url: server.url, auth }, options);
    expect((await load(trusting)).toString()).toBe("let in");
  });
});

describe("client credentials", () => {
  it("are changed for a token, in the header or in the body", async () => {
    await using server = await serve((request, response) => {
      if (request.url === "/picky" && request.headers.authorization) response.writeHead(401).end();
      else if (request.method === "POST") response.end(JSON.stringify({ access_token: "t0ken" }));
      else response.end(BODY);
    });
    for (const path of ["/token", "/picky"]) {
      const oauth2 = {
        clientIDSecret: { name: "o", key: "id" },
        clientSecretSecret: { name: "o", key: "secret" },
        tokenURLSecret: { name: "o", key: path },
        scopes: ["read", "write"],
        endpointParams: [{ key: "audience", value: "x" }],
      };
      const own = secretsOf({ "o/id": "me", "o/secret": "s3cret", [`o/${path}`]: `${server.url}${path}\n` });
      const driver = createHttpDriver(
        { url: `${server.url}/file`, auth: { oauth2 } },
        { secrets: own, stallTimeoutMs: 5000, proxyEnv: {} },
      );
      expect(await load(driver)).toSatisfy(isBody);
    }
    const posts = server.seen.filter(({ method }) => method === "POST").map(({ body }) => body.toString());
    expect(posts).toEqual([
      "grant_type=client_credentials&scope=read+write&audience=x",
      "grant_type=client_credentials&scope=read+write&audience=x",
      "grant_type=client_credentials&scope=read+write&audience=x&client_id=me&client_secret=s3cret",
    ]);
    const gets = server.seen.filter(({ method }) => method === "GET");
    expect(gets.map(({ headers }) => headers.authorization)).toEqual(["Bearer t0ken", "Bearer t0ken"]);
  });
});
