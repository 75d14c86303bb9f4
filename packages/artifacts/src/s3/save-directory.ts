import { joinPath } from "@skein/contract";
import type { MembersToSave, MemberToSave } from "../driver.ts";
import { countBytes } from "../file-to-save.ts";
import { runConcurrently } from "../run-concurrently.ts";
import type { Transfer } from "../transfer.ts";
import { contentType } from "./content-type.ts";
import { type UploadOptions, type UploadTarget, uploadObject } from "./upload.ts";

type UploadSettings = Omit<UploadOptions, "contentType" | "sizeBytes">;

/**
 * Saves every file of a directory as `<key>/<path>`, many at once. An empty directory becomes a marker,
 * `<key>/<path>/`, which upstream skips when it loads. Links and special files cannot be objects: they are left
 * out, and which is said.
 */
export async function saveDirectory(
  store: UploadTarget,
  key: string,
  members: MembersToSave,
  transfer: Transfer,
  settings: UploadSettings,
): Promise<void> {
  const { signal, requests } = transfer;
  const leftOut: string[] = [];
  let leftOutCount = 0;
  await runConcurrently(members, { limit: requests.capacity, signal }, async (member, own) => {
    if (member.type === "other") {
      leftOutCount++;
      if (leftOut.length < 5) leftOut.push(`${member.path} (${member.what})`);
    } else await saveMember(store, key, member, transfer.within(own), settings);
  });
  if (leftOutCount === 0) return;
  const more = leftOutCount > leftOut.length ? ` and ${leftOutCount - leftOut.length} more` : "";
  transfer.warn(`left out what an object store cannot hold: ${leftOut.join(", ")}${more}`);
}

async function saveMember(
  store: UploadTarget,
  key: string,
  member: Exclude<MemberToSave, { type: "other" }>,
  transfer: Transfer,
  settings: UploadSettings,
): Promise<void> {
  const { path } = member;
  if (member.type === "emptyDirectory") {
    const marker = { ...settings, contentType: "application/x-directory", sizeBytes: 0 };
    await uploadObject(store, `${joinPath(key, path)}/`, nothing(), transfer, marker);
    return;
  }
  const { sizeBytes } = member;
  const startMs = transfer.now();
  // Thousands of files: only where nobody knows the size are the bytes worth being counted.
  const counted = sizeBytes === undefined ? countBytes(member.open) : undefined;
  const open = counted?.open ?? member.open;
  const moved = () => ({
    file: path,
    sizeBytes: sizeBytes ?? counted?.bytes() ?? 0,
    durationMs: transfer.now() - startMs,
  });
  try {
    const options = {
      ...settings,
      contentType: contentType(path),
      ...(sizeBytes !== undefined && { sizeBytes }),
    };
    await uploadObject(store, joinPath(key, path), open({ lends: true }), transfer, options);
  } catch (error) {
    if (!transfer.signal.aborted) transfer.fileMoved({ ...moved(), error });
    throw error;
  }
  transfer.fileMoved(moved());
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
