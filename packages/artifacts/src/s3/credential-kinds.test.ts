import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { inspect } from "node:util";
import type { S3Location } from "@skein/contract";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { type FaultProxy, startFaultProxy } from "../../../../test/support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import { observedTransfer, s3Location, secretsOf, temporaryDirectory } from "../test-support.ts";
import { createS3Connector } from "./connect.ts";

const SIGNAL = new AbortController().signal;
const PUT = { signal: SIGNAL, contentType: "text/plain" };
const ROLE = "arn:aws:iam::123456789012:role/artifacts";
const TOKEN = "token-of-the-session";

let server: S3Server;
let proxy: FaultProxy;

beforeAll(async () => {
  server = await startS3Server();
  proxy = await startFaultProxy(server.endpoint, () => undefined);
});

afterAll(async () => {
  await proxy[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

// What the machine that runs the tests has must not help. These are the SDK's own variables, which it reads nowhere but in
// the process's environment.
beforeEach(() => {
  for (const name of ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"])
    vi.stubEnv(name, undefined);
  vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
  proxy.seen.length = 0;
});
afterEach(() => vi.unstubAllEnvs());

/** Answers with `reply`, and keeps what it was asked. */
async function startAuthority(
  reply: (request: IncomingMessage, body: string) => string,
): Promise<AsyncDisposable & { url: string; asked: string[] }> {
  const asked: string[] = [];
  const authority = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ""} ${body}`);
    const text = reply(request, body);
    response
      .writeHead(text === "" ? 404 : 200, {
        "content-type": text.startsWith("<") ? "text/xml" : "application/json",
        "x-aws-ec2-metadata-token-ttl-seconds": "21600",
      })
      .end(text);
  });
  await new Promise<void>((resolve) => authority.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(authority.address() as AddressInfo).port}`,
    asked,
    async [Symbol.asyncDispose]() {
      authority.closeAllConnections();
      await new Promise((resolve) => authority.close(resolve));
    },
  };
}

const inAnHour = (): string => new Date(Date.now() + 3_600_000).toISOString();

const asJson = (): string =>
  JSON.stringify({
    Code: "Success",
    Type: "AWS-HMAC",
    AccessKeyId: server.accessKey,
    SecretAccessKey: server.secretKey,
    Token: TOKEN,
    Expiration: inAnHour(),
    LastUpdated: new Date().toISOString(),
  });

const asXml = (action: string): string =>
  `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>
    <AccessKeyId>${server.accessKey}</AccessKeyId><SecretAccessKey>${server.secretKey}</SecretAccessKey>
    <SessionToken>${TOKEN}</SessionToken><Expiration>${inAnHour()}</Expiration>
  </Credentials></${action}Result></${action}Response>`;

/** Saves one object as whoever the location and the environment say; the real store checks the signature. */
async function saveAs(
  more: Partial<S3Location> = {},
  secrets: Record<string, string> = {},
): Promise<{ token: unknown; attributes: Record<string, unknown> }> {
  const at = s3Location({ ...server, endpoint: proxy.endpoint }, "key", more);
  const connector = createS3Connector(secretsOf(secrets), {
    maxSockets: 4,
    idleTimeoutMs: 60_000,
    proxyEnv: {},
  });
  try {
    const { transfer, attributes } = observedTransfer();
    const store = await connector.connect(at, transfer);
    await store.put("key", Buffer.from("x"), PUT);
    expect(proxy.seen.at(-1)?.headers.authorization).toContain(`Credential=${server.accessKey}/`);
    return { token: proxy.seen.at(-1)?.headers["x-amz-security-token"], attributes };
  } finally {
    await connector.close();
  }
}

/** A location that names no keys. */
const OF_THE_POD = { accessKeySecret: { name: "", key: "" }, secretKeySecret: { name: "", key: "" } };

describe("every kind of credentials of the contract (§12.1)", () => {
  it("static keys, without a token", async () => {
    const secrets = { "s3/access": server.accessKey, "s3/secret": server.secretKey };
    expect((await saveAs({}, secrets)).token).toBeUndefined();
  });

  it("static keys with the token of a session, a line end after each", async () => {
    const secrets = {
      "s3/access": `${server.accessKey}\n`,
      "s3/secret": `${server.secretKey}\n`,
      "s3/token": `${TOKEN}\n`,
    };
    const more = { sessionTokenSecret: { name: "s3", key: "token" } };
    expect((await saveAs(more, secrets)).token).toBe(TOKEN);
  });

  it("static keys before a role and before what the pod has", async () => {
    await using sts = await startAuthority(() => "");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "the-pod");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "its-secret");
    const secrets = { "s3/access": server.accessKey, "s3/secret": server.secretKey };
    await saveAs({ roleARN: ROLE, useSDKCreds: true }, secrets);
    expect(sts.asked).toEqual([]);
  });

  it("the environment's, where a key's secret is empty", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKey);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretKey);
    vi.stubEnv("AWS_SESSION_TOKEN", TOKEN);
    expect((await saveAs({}, { "s3/access": "", "s3/secret": "" })).token).toBe(TOKEN);
  });

  it("a web identity, whose token is read from its file (IRSA)", async () => {
    await using directory = await temporaryDirectory();
    await using sts = await startAuthority(() => asXml("AssumeRoleWithWebIdentity"));
    const file = join(directory.path, "token");
    await writeFile(file, "jwt-of-the-service-account");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
    vi.stubEnv("AWS_WEB_IDENTITY_TOKEN_FILE", file);
    vi.stubEnv("AWS_ROLE_ARN", ROLE);
    vi.stubEnv("AWS_REGION", "eu-west-1");
    expect((await saveAs(OF_THE_POD)).token).toBe(TOKEN);
    expect(sts.asked).toHaveLength(1);
    expect(sts.asked[0]).toContain("Action=AssumeRoleWithWebIdentity");
    expect(sts.asked[0]).toContain("WebIdentityToken=jwt-of-the-service-account");
  });

  it("a container's, with the token of a file (EKS pod identity)", async () => {
    await using directory = await temporaryDirectory();
    await using agent = await startAuthority(asJson);
    const file = join(directory.path, "token");
    await writeFile(file, "jwt-of-the-pod");
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${agent.url}/v1/credentials`);
    vi.stubEnv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file);
    expect((await saveAs(OF_THE_POD)).token).toBe(TOKEN);
    expect(agent.asked).toEqual([expect.stringMatching(/^GET \/v1\/credentials jwt-of-the-pod/)]);
  });

  it("a container's, with the token of a variable", async () => {
    await using agent = await startAuthority(asJson);
    vi.stubEnv("AWS_CONTAINER_CREDENTIALS_FULL_URI", `${agent.url}/v1/credentials`);
    vi.stubEnv("AWS_CONTAINER_AUTHORIZATION_TOKEN", "of-the-variable");
    expect((await saveAs(OF_THE_POD)).token).toBe(TOKEN);
    expect(agent.asked).toEqual([expect.stringContaining("of-the-variable")]);
  });

  it("the instance's, by a session of its metadata service (IMDSv2)", async () => {
    await using metadata = await startAuthority(({ url = "", headers }) => {
      if (url === "/latest/api/token") return "token-of-imds";
      if (headers["x-aws-ec2-metadata-token"] !== "token-of-imds") return "";
      if (/\/iam\/security-credentials(-extended)?\/$/.test(url)) return "node-role";
      return url.endsWith("/node-role") ? asJson() : "";
    });
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", undefined);
    vi.stubEnv("AWS_EC2_METADATA_SERVICE_ENDPOINT", metadata.url);
    expect((await saveAs(OF_THE_POD)).token).toBe(TOKEN);
    expect(metadata.asked[0]).toMatch(/^PUT \/latest\/api\/token/);
  });

  it("a role's, for which the pod's own are given (roleARN)", async () => {
    await using sts = await startAuthority(() => asXml("AssumeRole"));
    vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "the-pod");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "its-secret");
    expect((await saveAs({ ...OF_THE_POD, roleARN: ROLE, region: "eu-west-1" })).token).toBe(TOKEN);
    expect(sts.asked[0]).toContain("Credential=the-pod/");
    expect(sts.asked[0]).toContain(`RoleArn=${encodeURIComponent(ROLE)}`);
  });

  it("a refusal of the role says so, with no secret in it", async () => {
    await using sts = await startAuthority(() => "");
    vi.stubEnv("AWS_ENDPOINT_URL_STS", sts.url);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "the-pod");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "its-secret");
    const failure = await saveAs({ ...OF_THE_POD, roleARN: ROLE }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toMatchObject({ message: expect.stringContaining("GetCredentials") });
    expect(inspect(failure, { depth: 8 })).not.toContain("its-secret");
    expect(proxy.seen).toEqual([]);
  });
});
