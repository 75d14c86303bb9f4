import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { S3Location } from "@skein/contract";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import { connectorTo, observedTransfer, s3Location } from "../test-support.ts";

const SIGNAL = new AbortController().signal;
const PUT = { signal: SIGNAL, contentType: "text/plain" };

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server[Symbol.asyncDispose]());

// These are the SDK's own variables; it reads them nowhere but in the process's environment.
afterEach(() => vi.unstubAllEnvs());

const withoutKeys = (more: Partial<S3Location> = {}): S3Location => {
  const { accessKeySecret: _access, secretKeySecret: _secret, ...rest } = s3Location(server, "key", more);
  return rest;
};

describe("credentials of the pod", () => {
  it("serve a location that names none", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", server.accessKey);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", server.secretKey);
    await using connector = connectorTo(server);
    const store = await connector.connect(withoutKeys({ useSDKCreds: true }), observedTransfer().transfer);
    await store.put("key", Buffer.from("x"), PUT);
  });

  it("are missed before anything is asked of the store", async () => {
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_CONFIG_FILE", "/dev/null");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null");
    await using connector = connectorTo(server);
    await expect(connector.connect(withoutKeys(), observedTransfer().transfer)).rejects.toMatchObject({
      code: "s3.no_credentials",
      remedy: expect.stringContaining("found none in the pod's own credentials"),
    });
  });

  it("are changed for those of a role", async () => {
    const asked: string[] = [];
    const sts = createServer((request, response) => {
      request.on("data", (chunk: Buffer) => asked.push(chunk.toString()));
      request.on("end", () =>
        response.writeHead(200, { "content-type": "text/xml" }).end(assumedRole(server)),
      );
    });
    await new Promise<void>((resolve) => sts.listen(0, "127.0.0.1", resolve));
    vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${(sts.address() as AddressInfo).port}`);
    vi.stubEnv("AWS_ACCESS_KEY_ID", "the-pod");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "its-secret");
    await using connector = connectorTo(server);
    const roleARN = "arn:aws:iam::123456789012:role/artifacts";
    const { transfer } = observedTransfer();
    const store = await connector.connect(withoutKeys({ roleARN }), transfer);
    await store.put("key", Buffer.from("x"), PUT);
    expect(asked.join()).toContain(encodeURIComponent(roleARN));
    expect(transfer.clock.read().credentials).toBeGreaterThan(0);
    sts.closeAllConnections();
    await new Promise((resolve) => sts.close(resolve));
  });
});

function assumedRole({ accessKey, secretKey }: S3Server): string {
  const expires = new Date(Date.now() + 3_600_000).toISOString();
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
    <AccessKeyId>${accessKey}</AccessKeyId><SecretAccessKey>${secretKey}</SecretAccessKey>
    <SessionToken>token</SessionToken><Expiration>${expires}</Expiration>
  </Credentials></AssumeRoleResult></AssumeRoleResponse>`;
}
