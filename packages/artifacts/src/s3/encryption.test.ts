import type { S3Location } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { secretsOf } from "../test-support.ts";
import { chooseEncryption } from "./encryption.ts";
import { bucketDefault, readFields, writeFields } from "./encryption-headers.ts";

const SECRETS = secretsOf({ "sse/key": "correct horse" });
const CUSTOMER = { serverSideCustomerKeySecret: { name: "sse", key: "key" } };

function choose(encryptionOptions: S3Location["encryptionOptions"], more: Partial<S3Location> = {}) {
  return chooseEncryption(
    { bucket: "artifacts", ...(encryptionOptions && { encryptionOptions }), ...more },
    SECRETS,
  );
}

describe("chooseEncryption", () => {
  it.each([undefined, {}, { kmsKeyId: "k" }, { ...CUSTOMER, enableEncryption: false }])(
    "chooses none for %j",
    async (options) => {
      expect(await choose(options)).toEqual({ type: "none" });
    },
  );

  it("lets the store choose the key", async () => {
    const encryption = await choose({ enableEncryption: true });
    expect(await writeFields(encryption, "k")).toEqual({ ServerSideEncryption: "AES256" });
    expect(await readFields(encryption, "k")).toEqual({});
    expect(bucketDefault(encryption)?.Rules).toEqual([
      { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } },
    ]);
  });

  it("names a key of KMS, and encodes its context once", async () => {
    const encryption = await choose({
      enableEncryption: true,
      kmsKeyId: "key-1",
      kmsEncryptionContext: '{ "a": "b" }',
    });
    expect(await writeFields(encryption, "k")).toEqual({
      ServerSideEncryption: "aws:kms",
      SSEKMSKeyId: "key-1",
      SSEKMSEncryptionContext: "eyJhIjoiYiJ9",
    });
    expect(bucketDefault(encryption)?.Rules?.[0]).toMatchObject({
      ApplyServerSideEncryptionByDefault: { KMSMasterKeyID: "key-1" },
    });
  });

  it("derives the customer's key for each object as upstream does", async () => {
    const encryption = await choose({ ...CUSTOMER, enableEncryption: true });
    const key = await readFields(encryption, "wf/pod/out.tgz");
    // Argon2id by the reference implementation (argon2-cffi): t=1, m=64 MiB, p=4, 32 bytes, salt bucket + key.
    expect(key).toEqual({
      SSECustomerAlgorithm: "AES256",
      SSECustomerKey: Buffer.from(
        "3dea22475339a28c6cf3751349c98dff2bf8256969ba22dc3b2dcc36a2910a1f",
        "hex",
      ).toString("base64"),
    });
    expect(await writeFields(encryption, "wf/pod/out.tgz")).toEqual(key);
    expect(bucketDefault(encryption)).toBeUndefined();
  });

  it.each<[S3Location["encryptionOptions"], Partial<S3Location>, string]>([
    [
      { ...CUSTOMER, enableEncryption: true, kmsKeyId: "k" },
      {},
      "serverSideCustomerKeySecret and kmsKeyId cannot be set together",
    ],
    [
      { ...CUSTOMER, enableEncryption: true },
      { insecure: true },
      "secure must be set if EncryptOpts.SSECPassword is set",
    ],
    [
      { enableEncryption: true, kmsKeyId: "k", kmsEncryptionContext: "a=b" },
      {},
      "kmsEncryptionContext is not JSON",
    ],
  ])("refuses %j with %j", async (options, more, message) => {
    await expect(choose(options, more)).rejects.toThrow(message);
  });
});
