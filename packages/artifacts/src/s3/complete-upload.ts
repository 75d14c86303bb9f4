import { createHash } from "node:crypto";
import { ArtifactError } from "@skein/contract";
import type { Transfer } from "../transfer.ts";
import type { ObjectFacts, ObjectStore, UploadedPart } from "./object-store.ts";

export interface SentUpload {
  key: string;
  uploadId: string;
  /** In order. */
  parts: readonly UploadedPart[];
  /** Of all parts together. */
  sizeBytes: number;
}

/**
 * Makes an object of its parts. An answer that was lost leaves open whether it was made; asked again, the store then does
 * not know the upload any more, and the object itself has to tell.
 */
export async function completeUpload(
  store: Pick<ObjectStore, "completeUpload" | "head">,
  upload: SentUpload,
  transfer: Transfer,
): Promise<void> {
  const { key, uploadId, parts } = upload;
  const { signal } = transfer;
  let isRepeated = false;
  const complete = async (): Promise<void> => {
    try {
      await store.completeUpload(key, uploadId, parts, { signal });
    } catch (error) {
      if (!isRepeated || !isUnknownUpload(error)) {
        isRepeated = true;
        throw error;
      }
      if (!isMadeOf(upload, await store.head(key, { signal }))) throw error;
    }
  };
  await transfer.retry(() => transfer.requests.use(() => transfer.firstByte(complete), signal));
}

function isUnknownUpload(error: unknown): boolean {
  const { cause } = error as { cause?: { name?: string } };
  return error instanceof ArtifactError && cause?.name === "NoSuchUpload";
}

/** By the rule that ETags of objects in parts follow; where the parts' are no MD5s, by size and number of parts. */
function isMadeOf({ parts, sizeBytes }: SentUpload, found: ObjectFacts | undefined): boolean {
  if (found?.sizeBytes !== sizeBytes) return false;
  const etag = bare(found.etag ?? "");
  const md5s = parts.map((part) => bare(part.etag));
  if (!md5s.every((md5) => /^[0-9a-f]{32}$/.test(md5))) return etag.endsWith(`-${parts.length}`);
  const whole = createHash("md5")
    .update(Buffer.from(md5s.join(""), "hex"))
    .digest("hex");
  return etag === `${whole}-${parts.length}`;
}

function bare(etag: string): string {
  return etag.replace(/^"|"$/g, "");
}
