import { createHash } from "node:crypto";
import type { ObjectEncryption } from "./object-store.ts";

/** Fields of every request for an object: only a customer's own key is needed again (contract §12.1). */
export async function readFields(encryption: ObjectEncryption, key: string) {
  if (encryption.type !== "customer") return {};
  const customerKey = await encryption.keyFor(key);
  // The SDK adds the digest of the key.
  return { SSECustomerAlgorithm: "AES256", SSECustomerKey: Buffer.from(customerKey).toString("base64") };
}

const PREFIX = "x-amz-server-side-encryption";

/** The same as headers: of every request for an object. */
export async function customerKeyHeaders(
  encryption: ObjectEncryption,
  key: string,
): Promise<Record<string, string>> {
  if (encryption.type !== "customer") return {};
  const customerKey = await encryption.keyFor(key);
  return {
    [`${PREFIX}-customer-algorithm`]: "AES256",
    [`${PREFIX}-customer-key`]: Buffer.from(customerKey).toString("base64"),
    [`${PREFIX}-customer-key-md5`]: createHash("md5").update(customerKey).digest("base64"),
  };
}

/** The same as headers: of the request with which an object begins. */
export async function newObjectHeaders(
  encryption: ObjectEncryption,
  key: string,
): Promise<Record<string, string>> {
  switch (encryption.type) {
    case "none":
      return {};
    case "customer":
      return customerKeyHeaders(encryption, key);
    case "aes256":
      return { [PREFIX]: "AES256" };
    case "kms":
      return {
        [PREFIX]: "aws:kms",
        [`${PREFIX}-aws-kms-key-id`]: encryption.keyId,
        ...(encryption.context !== undefined && { [`${PREFIX}-context`]: encryption.context }),
      };
  }
}

/** What a bucket that was just made gets as its default (contract §12.1); undefined for none. */
export function bucketDefault(encryption: ObjectEncryption) {
  if (encryption.type !== "aes256" && encryption.type !== "kms") return undefined;
  const rule =
    encryption.type === "kms"
      ? { SSEAlgorithm: "aws:kms" as const, KMSMasterKeyID: encryption.keyId }
      : { SSEAlgorithm: "AES256" as const };
  return { Rules: [{ ApplyServerSideEncryptionByDefault: rule }] };
}
