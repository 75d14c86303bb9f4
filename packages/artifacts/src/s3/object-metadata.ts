import { createHash } from "node:crypto";
import { type Integrity, mismatch } from "../integrity.ts";
import { partSize } from "./cut-parts.ts";
import type { ObjectBody } from "./object-store.ts";

/** User metadata of objects, without the `x-amz-meta-` that S3 puts before it. */
const DIGEST = "skein-digest";
const SIZE = "skein-size";
const FILES = "skein-files";
/** Of an object that was sent in parts: bytes of the first. The sizes of the others follow from it. */
const PART_BYTES = "skein-part-bytes";

export type ObjectMetadata = Readonly<Record<string, string>>;

/** Of an object that goes out in one request. */
export function metadataOfWhole(body: Uint8Array, files: number | undefined): ObjectMetadata {
  return {
    [DIGEST]: `sha256:${createHash("sha256").update(body).digest("hex")}`,
    [SIZE]: String(body.byteLength),
    ...(files === undefined ? {} : { [FILES]: String(files) }),
  };
}

/**
 * Of an object that goes out in parts. Its metadata must be sent before its bytes are known, so what is recorded is how it is
 * cut: with that its ETag can be computed again.
 */
export function metadataOfParts(firstPartBytes: number, sizeBytes: number | undefined): ObjectMetadata {
  return {
    [PART_BYTES]: String(firstPartBytes),
    ...(sizeBytes === undefined ? {} : { [SIZE]: String(sizeBytes) }),
  };
}

/** Files in the archive, when whoever saved it recorded that. */
export function recordedFiles({ metadata }: ObjectBody): number | undefined {
  return wholeNumber(metadata[FILES]);
}

/**
 * What the object's content can be compared with: our own digest, else what the store offers: an ETag that is an MD5, or a
 * checksum. `undefined` when there is nothing of the kind, as for objects with a customer's key.
 *
 * @throws ArtifactError `transfer.digest_mismatch` when the object is not even as long as it was
 */
export function integrityOf(answer: ObjectBody, what: string): Integrity | undefined {
  const { metadata, etag = "", sizeBytes, sha256, isEtagOpaque } = answer;
  const recorded = wholeNumber(metadata[SIZE]);
  if (recorded !== undefined && recorded !== sizeBytes) {
    throw mismatch(what, `it has ${sizeBytes} bytes, its metadata says ${recorded}`);
  }
  const [, own] = /^sha256:([0-9a-f]{64})$/.exec(metadata[DIGEST] ?? "") ?? [];
  if (own) return { algorithm: "sha256", digest: own, source: "its metadata" };
  if (sha256 !== undefined) {
    return {
      algorithm: "sha256",
      digest: Buffer.from(sha256, "base64").toString("hex"),
      source: "the store's checksum",
    };
  }
  if (isEtagOpaque) return undefined;
  const tag = etag.replace(/^"|"$/g, "");
  if (/^[0-9a-f]{32}$/.test(tag)) return { algorithm: "md5", digest: tag, source: "the ETag" };
  const firstPartBytes = wholeNumber(metadata[PART_BYTES]);
  if (firstPartBytes === undefined || firstPartBytes === 0 || !/^[0-9a-f]{32}-\d+$/.test(tag))
    return undefined;
  return {
    algorithm: "md5",
    digest: tag,
    partBytes: (number) => partSize(number, firstPartBytes, recorded),
    source: "the ETag",
  };
}

function wholeNumber(text: string | undefined): number | undefined {
  return /^\d{1,15}$/.test(text ?? "") ? Number(text) : undefined;
}
