import { inspect } from "node:util";
import type { S3Location } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { secretsOf } from "../test-support.ts";
import { connectionKey, connectionOptions } from "./connection-options.ts";

const SECRETS = secretsOf({
  "aws/access": "AKIA",
  "aws/secret": "s3cret",
  "aws/session": "t0ken",
  "aws/empty": "",
  "ca/pem": "-----BEGIN CERTIFICATE-----",
});
const KEYS = {
  accessKeySecret: { name: "aws", key: "access" },
  secretKeySecret: { name: "aws", key: "secret" },
};

const options = (at: Partial<S3Location>) =>
  connectionOptions({ endpoint: "minio:9000", bucket: "b", ...at }, SECRETS);

describe("connectionOptions", () => {
  it.each<[Partial<S3Location>, string | undefined, string]>([
    [{}, "https://minio:9000", ""],
    [{ insecure: true }, "http://minio:9000", ""],
    [{ region: "eu-west-1" }, "https://minio:9000", "eu-west-1"],
    [{ endpoint: "s3.amazonaws.com" }, undefined, ""],
    [{ endpoint: "s3.eu-central-1.amazonaws.com" }, undefined, "eu-central-1"],
    [{ endpoint: "s3-eu-west-1.amazonaws.com" }, undefined, "eu-west-1"],
    [{ endpoint: "s3.cn-north-1.amazonaws.com.cn" }, undefined, "cn-north-1"],
    [{ endpoint: "s3.amazonaws.com", region: "us-west-2" }, undefined, "us-west-2"],
    [
      { endpoint: "bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com" },
      "https://bucket.vpce-1.s3.eu-west-1.vpce.amazonaws.com",
      "",
    ],
  ])("of %j has endpoint %s and region %j", async (at, endpoint, region) => {
    expect(await options(at)).toMatchObject({ endpoint, region });
  });

  it.each<[Partial<S3Location>, boolean]>([
    [{}, true],
    [{ endpoint: "s3.amazonaws.com" }, false],
    [{ endpoint: "storage.googleapis.com" }, false],
    [{ endpoint: "oss-cn-hangzhou.aliyuncs.com" }, false],
    [{ endpoint: "s3.amazonaws.com", bucket: "a.b" }, true],
    [{ endpoint: "s3.amazonaws.com", bucket: "a.b", insecure: true }, false],
    [{ addressingStyle: "virtual-hosted" }, false],
    [{ endpoint: "s3.amazonaws.com", addressingStyle: "path" }, true],
  ])("of %j has path style %s", async (at, forcePathStyle) => {
    expect(await options(at)).toMatchObject({ forcePathStyle });
  });

  it("chooses static keys, then the role, then what the pod has", async () => {
    const role = { roleARN: "arn:aws:iam::1:role/r" };
    expect((await options({ ...KEYS, ...role })).credentials.type).toBe("static");
    expect(
      (await options({ ...KEYS, accessKeySecret: { name: "aws", key: "empty" }, ...role })).credentials,
    ).toEqual({
      type: "role",
      roleArn: role.roleARN,
    });
    expect((await options({ useSDKCreds: true })).credentials.type).toBe("chain");
    expect((await options({})).credentials.type).toBe("chain");
  });

  it("takes a session token along with static keys only, and prints none of it", async () => {
    const sessionTokenSecret = { name: "aws", key: "session" };
    const { credentials } = await options({ ...KEYS, sessionTokenSecret });
    expect(credentials.type === "static" && credentials.sessionToken?.reveal()).toBe("t0ken");
    expect(inspect(credentials, { depth: null })).not.toMatch(/AKIA|s3cret|t0ken/);
    expect(JSON.stringify(credentials)).not.toMatch(/AKIA|s3cret|t0ken/);
  });

  it("trusts another authority only where there is TLS", async () => {
    const caSecret = { name: "ca", key: "pem" };
    expect((await options({ caSecret })).ca?.reveal()).toMatch(/^-----BEGIN/);
    expect((await options({ caSecret, insecure: true })).ca).toBeUndefined();
  });

  it("refuses an endpoint with a scheme, in words that say what to do", async () => {
    await expect(options({ endpoint: "https://minio:9000" })).rejects.toMatchObject({
      message: 's3 endpoint "https://minio:9000" must be host[:port] without a scheme',
      remedy: expect.stringContaining("insecure: true"),
    });
  });

  it.each(["minio:9000/path", "user:p4ss@minio", "minio?x", "minio#x", "::1", "minio:99999", "a b", ""])(
    "refuses the endpoint %j, half of which only some requests would use, and quotes no password",
    async (endpoint) => {
      const refused = await options({ endpoint }).catch((error: unknown) => error);
      expect(refused).toMatchObject({
        code: "s3.bad_request",
        message: expect.stringContaining("s3 endpoint must be host[:port]"),
      });
      expect(inspect(refused)).not.toContain("p4ss");
    },
  );

  it.each(["[::1]:9000", "minio:9000/"])("takes the endpoint %s", async (endpoint) => {
    expect((await options({ endpoint })).endpoint).toBe(`https://${endpoint}`);
  });
});

describe("connectionKey", () => {
  it("is the same for artifacts that are reached in the same way", () => {
    const at = { endpoint: "minio:9000", bucket: "b", key: "one", ...KEYS };
    const same = { ...at, key: "two", bucket: "c", encryptionOptions: { enableEncryption: true } };
    expect(connectionKey(same)).toBe(connectionKey(at));
    expect(connectionKey({ ...at, region: "eu-west-1" })).not.toBe(connectionKey(at));
    expect(connectionKey({ ...at, insecure: true })).not.toBe(connectionKey(at));
    expect(connectionKey({ ...at, secretKeySecret: { name: "other", key: "secret" } })).not.toBe(
      connectionKey(at),
    );
  });
});
