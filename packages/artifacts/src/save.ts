import { createHash, type Hash } from "node:crypto";
import { mkdtemp, readdir, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { type CompressSlots, extractTar, gunzip, gzip, packTar, packZip, SourceTree } from "@skein/archive";
import { type Artifact, ArtifactError, archiveStrategy } from "@skein/contract";
import { ATTR, type Tracing } from "@skein/telemetry";
import type { ArtifactDriver, MembersToSave, OpenToSave, StreamToSave } from "./driver.ts";
import type { SaveSource } from "./engine.ts";
import { countBytes, fileToSave } from "./file-to-save.ts";
import { translateDiskError } from "./node-errors.ts";
import type { TransferOutcome } from "./observe-transfer.ts";
import { openPackedTar } from "./packed-members.ts";
import { type OnGrown, openPath, readExactly } from "./read-exactly.ts";
import type { Transfer } from "./transfer.ts";
import { walkDirectory } from "./walk-directory.ts";

export interface SaveJob {
  artifact: Artifact;
  source: SaveSource;
  driver: ArtifactDriver;
  /** Where a packed archive is unpacked when it has to become a zip. */
  stagingDirectory: string;
  /** Blocks compressed at the same time, and the limit that all artifacts share. */
  compress: { blocksInFlight: number; slots: CompressSlots };
}

/** Packs one artifact on its way out; nothing is staged, except what the emissary packed and is to be a zip. */
export function saveArtifact(job: SaveJob, transfer: Transfer, tracing: Tracing): Promise<TransferOutcome> {
  return new Saving(job, transfer, tracing).run();
}

const MAX_GROWN_NAMED = 5;

class Saving {
  readonly #job: SaveJob;
  readonly #transfer: Transfer;
  readonly #tracing: Tracing;
  #grown = 0;

  constructor(job: SaveJob, transfer: Transfer, tracing: Tracing) {
    this.#job = job;
    this.#transfer = transfer;
    this.#tracing = tracing;
  }

  run(): Promise<TransferOutcome> {
    const { source } = this.#job;
    switch (source.kind) {
      case "file":
        return this.#saveFile(source.path);
      case "path":
        return this.#savePath(source.path);
      case "packed":
        return this.#savePacked(source);
    }
  }

  async #savePath(path: string): Promise<TransferOutcome> {
    const strategy = archiveStrategy(this.#job.artifact.archive);
    switch (strategy.type) {
      case "none":
        return this.#saveAsIs(path);
      case "zip":
        return this.#saveZip(path);
      default:
        return this.#saveTar(path, strategy.compressionLevel);
    }
  }

  async #savePacked(source: Extract<SaveSource, { kind: "packed" }>): Promise<TransferOutcome> {
    switch (archiveStrategy(this.#job.artifact.archive).type) {
      case "none":
        return this.#saveUnpacked(source.tgz, source.basename);
      case "zip":
        return this.#unpacked(source.tgz, (path) => this.#saveZip(path));
      default:
        return this.#savePackedAsIs(source);
    }
  }

  /** A file, or a directory as one object per file. */
  async #saveAsIs(path: string): Promise<TransferOutcome> {
    const facts = await this.#archiving("none", () => statOf(path));
    if (facts.isFile()) return this.#saveFile(path);
    if (!facts.isDirectory()) throw notSavable(path);
    const tree = new SourceTree(path);
    try {
      await this.#saveMembers(walkDirectory(tree, this.#transfer.clock, this.#onGrown));
    } finally {
      tree.close(); // the driver has let go of every member
    }
    return { archive: "none" };
  }

  async #saveFile(path: string): Promise<TransferOutcome> {
    const transfer = this.#transfer;
    const facts = await statOf(path);
    if (!facts.isFile()) throw notSavable(path);
    const startMs = transfer.now();
    const openFile = (): number => openPath(path);
    const source = { path, openFile, meter: transfer.clock, onGrown: this.#onGrown };
    const { sizeBytes, open } = fileToSave(source, facts.size);
    const counted = countBytes(open);
    const fileName = basename(path);
    const digest = await this.#send({
      fileName,
      ...(sizeBytes !== undefined && { sizeBytes }),
      open: counted.open,
    });
    const durationMs = transfer.now() - startMs;
    transfer.fileMoved({ file: fileName, sizeBytes: sizeBytes ?? counted.bytes(), durationMs });
    return { archive: "none", digest };
  }

  async #saveTar(path: string, level: number | undefined): Promise<TransferOutcome> {
    const meter = this.#transfer.clock;
    const options = { meter, level, ...this.#job.compress };
    const digest = await this.#sendPacked("tar", "artifact.tgz", (how) =>
      gzip(packTar(path, this.#packOptions()), { ...options, releases: how?.lends }),
    );
    return { archive: "tar", digest };
  }

  async #saveZip(path: string): Promise<TransferOutcome> {
    const digest = await this.#sendPacked("zip", "artifact.zip", () =>
      packZip(path, { ...this.#packOptions(), ...this.#job.compress }),
    );
    return { archive: "zip", digest };
  }

  async #savePackedAsIs({
    tgz,
    contents,
  }: Extract<SaveSource, { kind: "packed" }>): Promise<TransferOutcome> {
    const { clock, tally } = this.#transfer;
    const { size: sizeBytes } = await this.#archiving("tar", () => statOf(tgz));
    const digest = await this.#send({
      fileName: "artifact.tgz",
      sizeBytes,
      open: (how) => readExactly(tgz, sizeBytes, { meter: clock, lends: how?.lends }),
    });
    tally.files = contents?.files ?? 1;
    tally.unpackedBytes = contents?.unpackedBytes ?? sizeBytes;
    return { archive: "tar", digest };
  }

  /** What the emissary packed, sent out of the archive as it is read. */
  async #saveUnpacked(tgz: string, fileName: string): Promise<TransferOutcome> {
    const transfer = this.#transfer;
    const open = () => openPackedTar(this.#gunzipFile(tgz));
    const root = await this.#archiving("none", open);
    if (root.type === "directory") {
      await this.#saveMembers(root.members);
      return { archive: "none" };
    }
    const startMs = transfer.now();
    const { sizeBytes } = root;
    let first: AsyncIterable<Uint8Array> | undefined = root.body;
    const digest = await this.#send({
      fileName,
      sizeBytes,
      open: () => {
        const body = first ?? reopened(open);
        first = undefined;
        return body;
      },
    });
    transfer.fileMoved({ file: fileName, sizeBytes, durationMs: transfer.now() - startMs });
    return { archive: "none", digest };
  }

  /** Runs `work` on what a tgz holds, unpacked into a directory that goes away again. */
  async #unpacked<T>(tgz: string, work: (path: string) => Promise<T>): Promise<T> {
    const { clock, signal } = this.#transfer;
    const { stagingDirectory } = this.#job;
    const directory = await mkdtemp(join(stagingDirectory, "skein-unpacked-")).catch((error: unknown) => {
      throw translateDiskError(error, `cannot unpack below ${stagingDirectory}`);
    });
    try {
      await extractTar(this.#gunzipFile(tgz), { into: directory, meter: clock, signal });
      const [only = ""] = await readdir(directory);
      return await work(join(directory, only));
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  }

  async *#gunzipFile(tgz: string): AsyncGenerator<Uint8Array> {
    const { clock } = this.#transfer;
    const { size } = await statOf(tgz);
    yield* gunzip(readExactly(tgz, size, { meter: clock }), { meter: clock });
  }

  async #saveMembers(members: MembersToSave): Promise<void> {
    const { driver } = this.#job;
    if (!driver.saveDirectory) {
      throw new ArtifactError(`cannot save a directory to ${driver.name} file by file`, {
        code: "artifact.unsupported_operation",
        remedy: "use the archive strategy tar or zip for this artifact",
      });
    }
    await driver.saveDirectory(members, this.#transfer);
  }

  /** An archive that is made while it is sent, in the span upstream has for making it. */
  #sendPacked(archive: TransferOutcome["archive"], fileName: string, pack: OpenToSave): Promise<string> {
    const archiving = (work: () => Promise<void>): Promise<void> => this.#archiving(archive, work);
    const files = (): number => this.#transfer.tally.files;
    return this.#send({ fileName, files, open: (how) => during(() => pack(how), archiving) });
  }

  /** @returns the digest of what was sent */
  async #send(stream: StreamToSave): Promise<string> {
    const { driver } = this.#job;
    if (!driver.saveStream) {
      throw new ArtifactError(`cannot save artifacts to ${driver.name}`, {
        code: "artifact.unsupported_operation",
      });
    }
    let hash = createHash("sha256");
    const open: OpenToSave = (how) => {
      hash = createHash("sha256");
      return hashing(stream.open(how), hash);
    };
    await driver.saveStream({ ...stream, open }, this.#transfer);
    return `sha256:${hash.digest("hex")}`;
  }

  /** What is saved is whole as it was when it was looked at; that there is more now should be known. */
  readonly #onGrown: OnGrown = (path, promisedBytes, foundBytes) => {
    this.#grown++;
    if (this.#grown > MAX_GROWN_NAMED) return;
    const more = this.#grown === MAX_GROWN_NAMED ? "; further files are not named" : "";
    this.#transfer.warn(
      `${path} grew from ${promisedBytes} to ${foundBytes} bytes while it was saved: the rest was left out${more}`,
    );
  };

  #archiving<T>(archive: TransferOutcome["archive"], work: () => Promise<T>): Promise<T> {
    return this.#tracing.withSpan("archiveArtifact", { attributes: { [ATTR.archive]: archive } }, work);
  }

  #packOptions() {
    const transfer = this.#transfer;
    return {
      meter: transfer.clock,
      signal: transfer.signal,
      onFile: ({ file, sizeBytes, durationMs }: { file: string; sizeBytes: number; durationMs: number }) =>
        transfer.fileMoved({ file, sizeBytes, durationMs }),
    };
  }
}

async function* hashing(source: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    hash.update(chunk);
    yield chunk;
  }
}

/** Passes a stream through while `scope` runs around it: from the first chunk that is asked for to the last. */
async function* during(
  make: () => AsyncIterable<Uint8Array>,
  scope: (work: () => Promise<void>) => Promise<void>,
): AsyncGenerator<Uint8Array> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const scoped = scope(() => promise).catch(() => {}); // the failure goes its own way, below
  try {
    yield* make();
  } catch (error) {
    reject(error);
    throw error;
  } finally {
    resolve();
    await scoped;
  }
}

async function* reopened(
  open: () => Promise<Awaited<ReturnType<typeof openPackedTar>>>,
): AsyncGenerator<Uint8Array> {
  const root = await open();
  if (root.type === "file") yield* root.body;
}

async function statOf(path: string) {
  try {
    return await stat(path);
  } catch (error) {
    throw translateDiskError(error, `cannot save ${path}`);
  }
}

function notSavable(path: string): ArtifactError {
  return new ArtifactError(`${path} is not a regular file or directory`, {
    code: "archive.unsupported_entry",
  });
}
