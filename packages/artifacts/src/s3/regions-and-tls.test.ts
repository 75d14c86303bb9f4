import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type S3Location, Secret } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import { startFaultProxy } from "../../../../test/support/fault-proxy.ts";
import { startS3Server } from "../../../../test/support/s3-server.ts";
import { connectorTo, observedTransfer, s3Location, temporaryDirectory } from "../test-support.ts";
import { createS3Connector } from "./connect.ts";

const SIGNAL = new AbortController().signal;
const PUT = { signal: SIGNAL, contentType: "text/plain" };

describe("the region", () => {
  it("is learnt from the first refusal, once", async () => {
    await using server = await startS3Server({ flags: ["--region", "eu-test-7"] });
    await using proxy = await startFaultProxy(server.endpoint, () => undefined);
    await using connector = connectorTo(server);
    const at = s3Location({ ...server, endpoint: proxy.endpoint }, "key");
    const store = await connector.connect(at, observedTransfer().transfer);
    await store.put("key", Buffer.from("text"), PUT);
    expect(await store.head("key", { signal: SIGNAL })).toMatchObject({ sizeBytes: 4 });
    expect(proxy.seen.map(({ method }) => method)).toEqual(["PUT", "PUT", "HEAD"]);
  });

  it("that is wrong is corrected as well", async () => {
    await using server = await startS3Server({ flags: ["--region", "eu-test-7"] });
    await using connector = connectorTo(server);
    const at = s3Location(server, "key", { region: "us-west-2" });
    const store = await connector.connect(at, observedTransfer().transfer);
    await store.put("key", Buffer.from("text"), PUT);
  });

  it("is named when it cannot be learnt", async () => {
    await using server = await startS3Server();
    await using proxy = await startFaultProxy(server.endpoint, () => ({ type: "answer", status: 301 }));
    await using connector = connectorTo(server);
    const at = s3Location({ ...server, endpoint: proxy.endpoint }, "key");
    const store = await connector.connect(at, observedTransfer().transfer);
    await expect(store.get("key", { signal: SIGNAL })).rejects.toMatchObject({
      code: "s3.wrong_region",
      remedy: "set region: to the bucket's own",
    });
  });
});

describe("the bucket's place in the address", () => {
  const seen: string[] = [];
  const addressed = async (more: Partial<S3Location>): Promise<string | undefined> => {
    seen.length = 0;
    // A proxy is told the whole address, so that no name has to be looked up.
    const forward = createServer((request, response) => {
      seen.push(request.url ?? "");
      request.resume().on("end", () => response.writeHead(200, { etag: '"e"' }).end());
    });
    await new Promise<void>((resolve) => forward.listen(0, "127.0.0.1", resolve));
    const proxy = `http://127.0.0.1:${(forward.address() as AddressInfo).port}`;
    const connector = createS3Connector(async () => new Secret("key"), {
      maxSockets: 1,
      idleTimeoutMs: 60_000,
      proxyEnv: { HTTP_PROXY: proxy, http_proxy: proxy },
    });
    const at = s3Location({ endpoint: "s3.test", bucket: "artifacts" }, "a key", { region: "r", ...more });
    const store = await connector.connect(at, observedTransfer().transfer);
    await store.put("a key", Buffer.from("x"), PUT);
    await connector.close();
    forward.closeAllConnections();
    await new Promise((resolve) => forward.close(resolve));
    return seen[0]?.replace(/\?.*$/, "");
  };

  it.each<[Partial<S3Location>, string]>([
    [{ addressingStyle: "virtual-hosted" }, "http://artifacts.s3.test/a%20key"],
    [{ addressingStyle: "path" }, "http://s3.test/artifacts/a%20key"],
    [{}, "http://s3.test/artifacts/a%20key"],
    [{ endpoint: "storage.googleapis.com" }, "http://artifacts.storage.googleapis.com/a%20key"],
    [
      { endpoint: "storage.googleapis.com", addressingStyle: "path" },
      "http://storage.googleapis.com/artifacts/a%20key",
    ],
    [{ endpoint: "oss-cn-hangzhou.aliyuncs.com" }, "http://artifacts.oss-cn-hangzhou.aliyuncs.com/a%20key"],
  ])("of %j is %s", async (more, url) => {
    expect((await addressed(more))?.replace(/:80\//, "/")).toBe(url);
  });
});

describe("TLS", () => {
  it("trusts the authority of caSecret, and no other", async () => {
    await using directory = await temporaryDirectory();
    const [key, cert] = [join(directory.path, "key"), join(directory.path, "cert")];
    const subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "1"];
    await runCommand("openssl", [
      "req",
      "-x509",
      "-newkey",
      "rsa:2048",
      "-nodes",
      "-keyout",
      key,
      "-out",
      cert,
      ...subject,
    ]);
    await using server = await startS3Server({ flags: ["--cert", cert, "--key", key], tls: true });
    const pem = await readFile(cert, "utf8");
    const secrets: Record<string, string> = { access: server.accessKey, secret: server.secretKey, ca: pem };
    const connector = createS3Connector(async (selector) => new Secret(secrets[selector.key] ?? ""), {
      maxSockets: 8,
      idleTimeoutMs: 60_000,
      proxyEnv: {},
    });
    const { transfer } = observedTransfer();
    const at = s3Location(server, "key", { insecure: false });
    const distrusting = await connector.connect(at, transfer);
    await expect(distrusting.put("key", Buffer.from("x"), PUT)).rejects.toMatchObject({
      code: "network.tls",
    });
    const trusting = await connector.connect({ ...at, caSecret: { name: "s3", key: "ca" } }, transfer);
    await trusting.put("key", Buffer.from("x"), PUT);
    await connector.close();
  });

  it("is missed by name when the server speaks plain HTTP", async () => {
    await using server = await startS3Server();
    await using connector = connectorTo(server);
    const store = await connector.connect(
      s3Location(server, "key", { insecure: false }),
      observedTransfer().transfer,
    );
    await expect(store.get("key", { signal: SIGNAL })).rejects.toMatchObject({
      code: "network.tls",
      remedy: expect.stringContaining("insecure: true"),
    });
  });
});
