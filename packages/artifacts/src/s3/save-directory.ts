import { join } from "node:path";
import { joinPath } from "@skein/contract";
import { readExactly } from "../read-exactly.ts";
import { runConcurrently } from "../run-concurrently.ts";
import type { Transfer } from "../transfer.ts";
import { walkDirectory } from "../walk-directory.ts";
import { contentType } from "./content-type.ts";
import { type UploadOptions, type UploadTarget, uploadObject } from "./upload.ts";

/**
 * Saves every regular file below a directory as `<key>/<relative path>`, many at once. An empty directory becomes
 * a marker, `<key>/<path>/`, which upstream skips when it loads. Links and special files cannot be objects: they
 * are left out, and how many is said.
 */
export async function saveDirectory(
  store: UploadTarget,
  key: string,
  directory: string,
  transfer: Transfer,
  options: Omit<UploadOptions, "contentType" | "sizeBytes">,
): Promise<void> {
  const { signal, requests, clock } = transfer;
  const leftOut: string[] = [];
  await runConcurrently(
    walkDirectory(directory, clock),
    { limit: requests.capacity, signal },
    async (entry, own) => {
      if (entry.type === "other") {
        leftOut.push(`${entry.path} (${entry.what})`);
        return;
      }
      const isMarker = entry.type === "emptyDirectory";
      const objectKey = joinPath(key, entry.path) + (isMarker ? "/" : "");
      const sizeBytes = isMarker ? 0 : entry.sizeBytes;
      const source = isMarker ? nothing() : readExactly(join(directory, entry.path), sizeBytes, clock);
      const startMs = transfer.now();
      const file = { file: entry.path, sizeBytes };
      try {
        await uploadObject(store, objectKey, source, transfer.within(own), {
          ...options,
          contentType: contentType(entry.path),
          sizeBytes,
        });
      } catch (error) {
        if (!own.aborted) transfer.fileMoved({ ...file, durationMs: transfer.now() - startMs, error });
        throw error;
      }
      if (!isMarker) transfer.fileMoved({ ...file, durationMs: transfer.now() - startMs });
    },
  );
  if (leftOut.length > 0) {
    const shown = leftOut.slice(0, 5).join(", ");
    const more = leftOut.length > 5 ? ` and ${leftOut.length - 5} more` : "";
    transfer.warn(`left out what an object store cannot hold: ${shown}${more}`);
  }
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
