import { ArtifactError } from "@skein/contract";
import type { ObjectStore } from "./object-store.ts";
import type { UploadTarget } from "./upload.ts";

/**
 * Makes the bucket when a write says that it is missing, and writes again. Upstream asks for the bucket before
 * every save, which fails for those who may write but not create.
 */
export function makingBucket(store: ObjectStore, options: { objectLocking: boolean }): UploadTarget {
  const ifMissing = async <T>(signal: AbortSignal, write: () => Promise<T>): Promise<T> => {
    try {
      return await write();
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "s3.no_such_bucket") throw error;
      await store.createBucket({ ...options, signal });
      return write();
    }
  };
  return {
    put: (key, body, put) => ifMissing(put.signal, () => store.put(key, body, put)),
    createUpload: (key, put) => ifMissing(put.signal, () => store.createUpload(key, put)),
    uploadPart: (...call) => store.uploadPart(...call),
    completeUpload: (...call) => store.completeUpload(...call),
    abortUpload: (...call) => store.abortUpload(...call),
    head: (...call) => store.head(...call),
  };
}
