import type { S3Location } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { secretsOf } from "../test-support.ts";
import { chooseEncryption, derivedOnce } from "./encryption.ts";
import { bucketDefault, customerKeyHeaders, newObjectHeaders, readFields } from "./encryption-headers.ts";

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
    expect(await newObjectHeaders(encryption, "k")).toEqual({ "x-amz-server-side-encryption": "AES256" });
    expect(await customerKeyHeaders(encryption, "k")).toEqual({});
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
    expect(await newObjectHeaders(encryption, "k")).toEqual({
      "x-amz-server-side-encryption": "aws:kms",
      "x-amz-server-side-encryption-aws-kms-key-id": "key-1",
      "x-amz-server-side-encryption-context": "eyJhIjoiYiJ9",
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
    const headers = await customerKeyHeaders(encryption, "wf/pod/out.tgz");
    expect(headers["x-amz-server-side-encryption-customer-key"]).toBe(key.SSECustomerKey);
    expect(await newObjectHeaders(encryption, "wf/pod/out.tgz")).toEqual(headers);
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

describe("derivedOnce", () => {
  it("derives a key once for all requests of an object, and never two at a time", async () => {
    let running = 0;
    let most = 0;
    const derived: string[] = [];
    const keyFor = derivedOnce(async (key) => {
      derived.push(key);
      most = Math.max(most, ++running);
      await new Promise(setImmediate);
      running--;
      return Buffer.from(key);
    });
    const keys = await Promise.all(["a", "b", "a", "c", "a"].map(keyFor));
    expect(keys.map(String)).toEqual(["a", "b", "a", "c", "a"]);
    expect(derived).toEqual(["a", "b", "c"]);
    expect(most).toBe(1);
  });

  it("keeps no failure and not every key there ever was", async () => {
    let calls = 0;
    const keyFor = derivedOnce(async () => {
      if (++calls === 1) throw new Error("no memory");
      return new Uint8Array(32);
    });
    await expect(keyFor("a")).rejects.toThrow("no memory");
    await keyFor("a");
    for (let index = 0; index < 64; index++) await keyFor(`b${index}`);
    await keyFor("a");
    expect(calls).toBe(1 + 1 + 64 + 1);
  });
});
