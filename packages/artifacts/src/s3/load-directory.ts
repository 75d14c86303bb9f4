import { join } from "node:path";
import { EntryAdmission, toRaw, type UnpackLimits } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import { checkIntegrity, type Integrity } from "../integrity.ts";
import { LoadedTree } from "../loaded-tree.ts";
import { translateWriteError } from "../node-errors.ts";
import { runConcurrently } from "../run-concurrently.ts";
import type { Transfer } from "../transfer.ts";
import { writeNewFile } from "../write-new-file.ts";
import { relativeKeyPath } from "./key-path.ts";
import { integrityOf } from "./object-metadata.ts";
import type { ListedObject, ObjectStore } from "./object-store.ts";
import { openObject, type RangedReadOptions } from "./ranged-reader.ts";
import { readOnce } from "./read-once.ts";
import { endedEarly } from "./read-range.ts";

/** As many of these as requests are allowed fit into memory beside the budget. */
const SMALL_OBJECT_BYTES = 256 * 1024;

const MAX_LEFT_OUT_NAMED = 5;

export interface DirectoryToLoad {
  store: ObjectStore;
  prefix: string;
  objects: AsyncIterable<ListedObject>;
}

/**
 * Loads every object below a prefix into an empty directory, many at once. A key that ends in a slash makes an
 * empty directory.
 *
 * Keys are held to the limits of archives: whoever may write to the bucket chooses them.
 *
 * @throws ArtifactError `archive.limit_exceeded`, `disk.*`, `s3.key_escape` for a key that would lie elsewhere, or that is a file where another key
 *   needs a directory
 */
export async function loadDirectory(
  { store, prefix, objects }: DirectoryToLoad,
  directory: string,
  transfer: Transfer,
  options: RangedReadOptions & { limits?: Partial<UnpackLimits> | undefined },
): Promise<void> {
  const admission = new EntryAdmission(directory, options.limits);
  const tree = new LoadedTree(directory);
  const { signal, requests } = transfer;
  let leftOut = 0;
  const load = async ({ key, sizeBytes }: ListedObject, own: AbortSignal): Promise<void> => {
    const relative = relativeKeyPath(key, prefix);
    const name = admission.admit(toRaw(relative));
    if (name === undefined) throw clash(key); // cannot be: relativeKeyPath has refused it
    if (key.endsWith("/") || relative === "") {
      if (sizeBytes > 0 && ++leftOut <= MAX_LEFT_OUT_NAMED) {
        const more = leftOut === MAX_LEFT_OUT_NAMED ? "; further ones are not named" : "";
        transfer.warn(`left out the ${sizeBytes} bytes of ${key}, which is a directory here${more}`);
      }
      onDisk(transfer, key, () => tree.makeDirectory(name));
      return;
    }
    admission.admitFile(name, sizeBytes);
    const startMs = transfer.now();
    const file: NewFile = { path: join(directory, relative), create: () => tree.createFile(name) };
    try {
      await loadObject({ store, key, sizeBytes }, file, transfer.within(own), options);
    } catch (error) {
      if (!own.aborted) {
        transfer.fileMoved({ file: relative, sizeBytes, durationMs: transfer.now() - startMs, error });
      }
      throw error;
    }
    transfer.fileMoved({ file: relative, sizeBytes, durationMs: transfer.now() - startMs });
  };
  try {
    await runConcurrently(objects, { limit: requests.capacity, signal }, load);
  } finally {
    tree.close();
  }
}

interface NewFile {
  /** For people. */
  path: string;
  create: () => number;
}

async function loadObject(
  { store, key, sizeBytes }: { store: ObjectStore; key: string; sizeBytes: number },
  { path, create }: NewFile,
  transfer: Transfer,
  options: RangedReadOptions,
): Promise<void> {
  const source =
    sizeBytes <= SMALL_OBJECT_BYTES
      ? readSmall(store, key, transfer, options)
      : (await openObject(store, key, transfer, options)).stream;
  try {
    await writeNewFile(path, source, transfer.clock, create);
  } catch (error) {
    throw isClash(error) ? clash(key) : error;
  }
}

/** One request and no machinery: with thousands of objects, what each costs counts. */
async function* readSmall(
  store: ObjectStore,
  key: string,
  transfer: Transfer,
  { stallTimeoutMs, minBytesPerSecond = 0 }: RangedReadOptions,
): AsyncGenerator<Uint8Array> {
  const { signal } = transfer;
  const target = { store, key, transfer, signal, stallTimeoutMs, minBytesPerSecond };
  yield* await transfer.retry(async () => {
    const chunks: Uint8Array[] = [];
    let missingBytes = 0;
    let integrity: Integrity | undefined;
    await transfer.requests.use(
      () =>
        transfer.stream(() =>
          readOnce(
            target,
            {},
            {
              onAnswer(answer) {
                missingBytes = answer.lengthBytes;
                integrity = integrityOf(answer, key);
              },
              onBytes(chunk) {
                missingBytes -= chunk.byteLength;
                chunks.push(chunk);
              },
            },
          ),
        ),
      signal,
    );
    if (missingBytes !== 0) throw endedEarly(key, missingBytes);
    if (integrity) verifyChunks(chunks, integrity, key);
    for (const chunk of chunks) transfer.tally.bytes += chunk.byteLength;
    return chunks;
  });
}

function verifyChunks(chunks: readonly Uint8Array[], integrity: Integrity, key: string): void {
  const check = checkIntegrity(integrity, key);
  for (const chunk of chunks) check.update(chunk);
  check.verify();
}

function onDisk(transfer: Transfer, key: string, work: () => void): void {
  transfer.clock.enter("disk");
  try {
    work();
  } catch (error) {
    const translated = translateWriteError(error, `cannot make the directory of ${key}`);
    throw isClash(translated) ? clash(key) : translated;
  } finally {
    transfer.clock.leave("disk");
  }
}

function isClash(error: unknown): boolean {
  const cause = error instanceof ArtifactError ? (error.cause as { code?: string } | undefined) : undefined;
  return cause?.code === "EEXIST" || cause?.code === "ENOTDIR" || cause?.code === "EISDIR";
}

function clash(key: string): ArtifactError {
  return new ArtifactError(
    `the key ${JSON.stringify(key)} is in the way of another key as file or directory`,
    {
      code: "s3.key_escape",
      remedy: "keys such as `a` and `a/b` cannot both become files: rename one of them",
    },
  );
}
