import { ArtifactError } from "@skein/contract";
import type { BusyStage } from "./busy-stage.ts";
import { DEFLATE_BLOCK_BYTES } from "./deflate-blocks.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { type ChangedFiles, PackedFile } from "./packed-file.ts";
import { toText } from "./raw-name.ts";
import { SizelessFile } from "./sizeless-file.ts";
import type { OpenedEntry, SourceTree } from "./source-tree.ts";

const SLAB_BYTES = 4 * SMALL_FILE_BYTES;

/** Reads what is packed into a zip. */
export class ZipSource {
  readonly #tree: SourceTree;
  readonly #disk: BusyStage;
  readonly #changed: ChangedFiles;
  #slab: Buffer = Buffer.alloc(0);
  /** Read to the end of its head, and found to be longer. */
  #sizeless: SizelessFile | undefined;

  /** @param disk told when the disk is busy */
  constructor(tree: SourceTree, disk: BusyStage, changed: ChangedFiles) {
    this.#tree = tree;
    this.#disk = disk;
    this.#changed = changed;
  }

  /** The data of an entry: of a file, what a link says, nothing for others. Undefined when it is a big file's. */
  small(entry: OpenedEntry): Buffer | undefined {
    const { fd, path, stats } = entry;
    if (stats.size > SMALL_FILE_BYTES && fd !== undefined) return undefined;
    this.#disk.begin();
    try {
      if (fd !== undefined) return stats.size === 0 ? this.#sizelessFile(fd, entry) : this.#sized(fd, entry);
      if (stats.isSymbolicLink()) return Buffer.from(this.#tree.readLink(entry), "latin1");
    } finally {
      this.#disk.end();
    }
    if (!stats.isSocket()) return Buffer.alloc(0);
    throw new ArtifactError(`cannot pack ${toText(path)}: it is a socket`, {
      code: "archive.unsupported_entry",
    });
  }

  /** The data of the entry that {@link small} has just called big. */
  async *big(entry: OpenedEntry, signal: AbortSignal | undefined): AsyncGenerator<Buffer, void, undefined> {
    const { fd, name, stats } = entry;
    if (this.#sizeless !== undefined) return yield* this.#bigSizeless(this.#sizeless, signal);
    if (fd === undefined) return;
    const file = new PackedFile(fd, entry);
    while (file.left > 0) {
      signal?.throwIfAborted();
      const chunk = Buffer.allocUnsafeSlow(Math.min(DEFLATE_BLOCK_BYTES, file.left));
      this.#disk.begin();
      const bytesRead = await file.readBig(chunk).finally(() => this.#disk.end());
      if (bytesRead === 0) break;
      yield chunk.subarray(0, bytesRead);
    }
    const found = file.changedSize();
    if (found !== undefined) this.#changed.note(name, stats.size, found);
  }

  #sized(fd: number, entry: OpenedEntry): Buffer {
    const { name, stats } = entry;
    const file = new PackedFile(fd, entry);
    const bytes = this.#room(stats.size);
    let filled = 0;
    while (file.left > 0) {
      const bytesRead = file.readSmall(bytes.subarray(filled));
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    const found = file.changedSize();
    if (found !== undefined) this.#changed.note(name, stats.size, found);
    return bytes.subarray(0, filled);
  }

  #sizelessFile(fd: number, entry: OpenedEntry): Buffer | undefined {
    const file = new SizelessFile(fd, entry.path);
    if (file.isWhole) return file.head;
    this.#sizeless = file;
    return undefined;
  }

  async *#bigSizeless(
    file: SizelessFile,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<Buffer, void, undefined> {
    this.#sizeless = undefined;
    yield file.head;
    for await (const chunk of file.rest()) {
      signal?.throwIfAborted();
      yield chunk;
    }
  }

  /** One allocation for many files: the collector frees thousands of small buffers late, a few big ones in time. */
  #room(bytes: number): Buffer {
    if (this.#slab.length < bytes) this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    const room = this.#slab.subarray(0, bytes);
    this.#slab = this.#slab.subarray(bytes);
    return room;
  }
}
