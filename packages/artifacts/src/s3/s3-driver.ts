import type { UnpackLimits } from "@skein/archive";
import { ArtifactError, type S3Location } from "@skein/contract";
import { ATTR } from "@skein/telemetry";
import type { ArtifactContent, ArtifactDriver, MembersToSave, StreamToSave } from "../driver.ts";
import { runConcurrently } from "../run-concurrently.ts";
import type { Transfer } from "../transfer.ts";
import { contentType } from "./content-type.ts";
import { directoryPrefix } from "./key-path.ts";
import { loadDirectory } from "./load-directory.ts";
import { makingBucket } from "./making-bucket.ts";
import type { ListedObject, ObjectStore } from "./object-store.ts";
import { openObject, type RangedReadOptions } from "./ranged-reader.ts";
import { saveDirectory } from "./save-directory.ts";
import { checkPartBytes, type UploadTarget, uploadObject } from "./upload.ts";

export interface S3DriverOptions extends RangedReadOptions {
  /** Performs the requests; asked for once, when the first one is due. */
  connect: (transfer: Transfer) => Promise<ObjectStore>;
  partBytes: number;
  partsInFlight: number;
  /** Of directories. Default: those of archives. */
  limits?: Partial<UnpackLimits> | undefined;
}

/** Loads and saves artifacts in an S3-compatible store: one object, or all objects below a key. */
export function createS3Driver(at: S3Location, options: S3DriverOptions): ArtifactDriver {
  checkPartBytes(options.partBytes);
  return new S3Driver(at, options);
}

class S3Driver implements ArtifactDriver {
  readonly name = "s3";
  readonly key: string;
  readonly attributes;
  readonly #at: S3Location;
  readonly #options: S3DriverOptions;
  #store: Promise<ObjectStore> | undefined;

  constructor(at: S3Location, options: S3DriverOptions) {
    this.key = at.key ?? "";
    this.#at = at;
    this.#options = options;
    this.attributes = {
      [ATTR.s3Bucket]: at.bucket ?? "",
      [ATTR.s3Key]: this.key,
      [ATTR.serverAddress]: (at.endpoint ?? "").replace(/:\d+$/, ""),
    };
  }

  async open(transfer: Transfer): Promise<ArtifactContent> {
    const store = await this.#connect(transfer);
    if (this.key.endsWith("/") || this.key === "") return this.#openDirectory(store, transfer);
    try {
      const object = await openObject(store, this.key, transfer, this.#options);
      return { kind: "stream", ...object };
    } catch (error) {
      if (!(error instanceof ArtifactError) || error.code !== "s3.no_such_key") throw error;
      return this.#openDirectory(store, transfer, error);
    }
  }

  async saveStream({ open, fileName, sizeBytes, files }: StreamToSave, transfer: Transfer): Promise<void> {
    const store = await this.#connectToSave(transfer);
    await uploadObject(store, this.key, open({ lends: true }), transfer, {
      ...this.#options,
      contentType: contentType(fileName),
      ...(sizeBytes !== undefined && { sizeBytes }),
      ...(files && { files }),
    });
  }

  async saveDirectory(members: MembersToSave, transfer: Transfer): Promise<void> {
    await saveDirectory(await this.#connectToSave(transfer), this.key, members, transfer, this.#options);
  }

  /** Upstream leaves a directory's objects behind, because its key has no slash at the end (contract §22.16). */
  async delete(transfer: Transfer): Promise<void> {
    const store = await this.#connect(transfer);
    const { signal, requests } = transfer;
    const remove = (key: string, own: AbortSignal): Promise<void> =>
      transfer.retry(() => requests.use(() => store.delete(key, { signal: own }), own), own);
    if (!this.key.endsWith("/")) await remove(this.key, signal);
    const below = listAll(store, directoryPrefix(this.key), transfer);
    await runConcurrently(below, { limit: requests.capacity, signal }, ({ key }, own) => remove(key, own));
  }

  async listObjects(transfer: Transfer): Promise<string[]> {
    const store = await this.#connect(transfer);
    const keys: string[] = [];
    for await (const { key } of listAll(store, directoryPrefix(this.key), transfer)) {
      if (!key.endsWith("/")) keys.push(key);
    }
    if (keys.length === 0 && !(await this.stat(transfer))) {
      throw this.#noSuchKey();
    }
    return keys;
  }

  async isDirectory(transfer: Transfer): Promise<boolean> {
    const store = await this.#connect(transfer);
    const { objects } = await listPage(store, directoryPrefix(this.key), transfer, { limit: 1 });
    return objects.length > 0;
  }

  async stat(transfer: Transfer): Promise<{ sizeBytes: number } | undefined> {
    const store = await this.#connect(transfer);
    return asking(transfer, () => store.head(this.key, { signal: transfer.signal }));
  }

  /** @param missing why the key is not an object; thrown when it is no directory either */
  async #openDirectory(
    store: ObjectStore,
    transfer: Transfer,
    missing?: ArtifactError,
  ): Promise<ArtifactContent> {
    const prefix = directoryPrefix(this.key);
    const first = await listPage(store, prefix, transfer);
    if (first.objects.length === 0) {
      throw missing ?? this.#noSuchKey();
    }
    const objects = listAll(store, prefix, transfer, first);
    return {
      kind: "directory",
      loadInto: (directory) => loadDirectory({ store, prefix, objects }, directory, transfer, this.#options),
    };
  }

  #noSuchKey(): ArtifactError {
    const { bucket = "", endpoint = "" } = this.#at;
    return new ArtifactError(`no key found of name ${this.key} in bucket ${bucket} at ${endpoint}`, {
      code: "s3.no_such_key",
      remedy: "check the key, and whether the step that saves it has run",
    });
  }

  #connect(transfer: Transfer): Promise<ObjectStore> {
    this.#store ??= this.#options.connect(transfer);
    return this.#store;
  }

  async #connectToSave(transfer: Transfer): Promise<UploadTarget> {
    const store = await this.#connect(transfer);
    const wish = this.#at.createBucketIfNotPresent;
    return wish ? makingBucket(store, { objectLocking: wish.objectLocking ?? false }) : store;
  }
}

interface Page {
  objects: ListedObject[];
  next: string | undefined;
}

function listPage(
  store: ObjectStore,
  prefix: string,
  transfer: Transfer,
  options: { page?: string; limit?: number } = {},
): Promise<Page> {
  const { signal } = transfer;
  return asking(transfer, () => store.list(prefix, { signal, ...options }));
}

/** One request about what is there. */
function asking<T>(transfer: Transfer, request: () => Promise<T>): Promise<T> {
  const { clock, requests, signal } = transfer;
  return transfer.retry(() => requests.use(() => clock.during("list", request), signal));
}

async function* listAll(
  store: ObjectStore,
  prefix: string,
  transfer: Transfer,
  first?: Page,
): AsyncGenerator<ListedObject> {
  let page = first ?? (await listPage(store, prefix, transfer));
  for (;;) {
    yield* page.objects;
    if (page.next === undefined) return;
    page = await listPage(store, prefix, transfer, { page: page.next });
  }
}
