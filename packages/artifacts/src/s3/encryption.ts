import { argon2 } from "node:crypto";
import { promisify } from "node:util";
import { ArtifactError, type S3Location } from "@skein/contract";
import type { SecretReader } from "../secret-reader.ts";
import type { ObjectEncryption } from "./object-store.ts";

const derive = promisify(argon2);

/** minio-go's `encrypt.DefaultPBKDF`, which upstream uses (contract §12.1): 64 MiB, one pass, four lanes, 32 bytes. */
const KEY_DERIVATION = { memory: 64 * 1024, passes: 1, parallelism: 4, tagLength: 32 } as const;

/**
 * The server-side encryption a location asks for. Without `enableEncryption: true` there is none, whatever else
 * is set (contract §12.1).
 *
 * @throws ArtifactError `s3.bad_request` for combinations no store accepts, with upstream's words
 */
export async function chooseEncryption(at: S3Location, readSecret: SecretReader): Promise<ObjectEncryption> {
  const options = at.encryptionOptions;
  if (!options?.enableEncryption) return { type: "none" };
  const secret = options.serverSideCustomerKeySecret;
  if (secret?.name && options.kmsKeyId) {
    throw refused("serverSideCustomerKeySecret and kmsKeyId cannot be set together");
  }
  if (secret?.name) {
    if (at.insecure) throw refused("secure must be set if EncryptOpts.SSECPassword is set");
    const password = await readSecret(secret);
    const bucket = at.bucket ?? "";
    return {
      type: "customer",
      keyFor: derivedOnce((key) =>
        derive("argon2id", {
          ...KEY_DERIVATION,
          message: password.revealBytes(),
          nonce: Buffer.from(bucket + key),
        }),
      ),
    };
  }
  if (!options.kmsKeyId) return { type: "aes256" };
  return {
    type: "kms",
    keyId: options.kmsKeyId,
    ...(options.kmsEncryptionContext && { context: encodeContext(options.kmsEncryptionContext) }),
  };
}

/** Objects that are in parts or ranges at the same time are fewer than this. */
const KEPT_KEYS = 64;

/**
 * Derives the key of an object once for all its requests, and one after another: each derivation takes 64 MiB, so a handful
 * of parts at once would take more memory than everything else together.
 */
export function derivedOnce(
  deriveKey: (objectKey: string) => Promise<Uint8Array>,
): (objectKey: string) => Promise<Uint8Array> {
  const kept = new Map<string, Promise<Uint8Array>>();
  let last: Promise<unknown> = Promise.resolve();
  return (objectKey) => {
    const known = kept.get(objectKey);
    if (known) return known;
    const derived = last.then(() => deriveKey(objectKey));
    last = derived.catch(() => kept.delete(objectKey)); // whoever asked meets the failure
    const [oldest] = kept.keys();
    if (kept.size >= KEPT_KEYS && oldest !== undefined) kept.delete(oldest);
    kept.set(objectKey, derived);
    return derived;
  };
}

/** Compact JSON in base64, once: upstream encodes it twice, which no store can read (contract §22.17). */
function encodeContext(text: string): string {
  try {
    return Buffer.from(JSON.stringify(JSON.parse(text))).toString("base64");
  } catch (error) {
    throw refused(`kmsEncryptionContext is not JSON: ${(error as Error).message}`);
  }
}

function refused(message: string): ArtifactError {
  return new ArtifactError(message, { code: "s3.bad_request" });
}
