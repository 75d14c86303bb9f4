import type { Stats } from "node:fs";
import { ArtifactError } from "@skein/contract";
import { metered } from "./busy-stage.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import { DEFLATE_BLOCK_BYTES } from "./deflate-blocks.ts";
import { encodeTarHeader, type TarHeaderFields } from "./encode-tar-header.ts";
import type { FileMoved } from "./extract-report.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { ChangedFiles, PackedFile } from "./packed-file.ts";
import { type RawName, toText } from "./raw-name.ts";
import { SizelessFile } from "./sizeless-file.ts";
import { type SourceEntry, SourceTree } from "./source-tree.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";
import { BLOCK_BYTES } from "./tar-header.ts";

export interface PackOptions {
  /** Told when the disk is busy. Default: nobody. */
  meter?: StageMeter | undefined;
  /** Ends the work between two entries or chunks with its reason. */
  signal?: AbortSignal | undefined;
  /** Called when a regular file has been packed. */
  onFile?: ((file: FileMoved) => void) | undefined;
}

/**
 * Packs a file or a directory as upstream does (contract §13.2): a single entry for a file, or the directory itself
 * first and everything below it in byte order, links as links. Chunks are as long as gzip's blocks.
 *
 * When a file changes its size on the way, the archive stays well-formed (cut, or filled with zeros),
 * and the error, which names the file, comes after its last byte.
 *
 * @throws ArtifactError `file.not_found`, `archive.unsupported_entry` (a socket), `archive.source_changed`, `disk.*`
 */
export async function* packTar(
  path: string,
  options: PackOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const changed = new ChangedFiles();
  yield* metered(tarChunks(path, options, changed), "disk", options.meter ?? unmetered);
  changed.throwIfAny();
}

async function* tarChunks(
  root: string,
  { signal, onFile }: PackOptions,
  changed: ChangedFiles,
): AsyncGenerator<Buffer, void, undefined> {
  const chunks = new ChunkBuilder(DEFLATE_BLOCK_BYTES);
  const tree = new SourceTree(root);
  let offsetBytes = 0;
  try {
    for (const entry of tree.openedEntries()) {
      signal?.throwIfAborted();
      const { fd } = entry;
      const header = headerOf(tree, entry);
      if (fd !== undefined) {
        const startedMs = performance.now();
        const packing: Packing = { fd, entry, header, chunks, changed };
        let sizeBytes = entry.stats.size;
        // Only big files are worth a generator of their own.
        if (sizeBytes === 0) {
          const held = appendSizeless(packing);
          sizeBytes = typeof held === "number" ? held : await held;
        } else if (sizeBytes <= SMALL_FILE_BYTES) appendSmall(packing);
        else yield* bigFile(packing, signal);
        const durationMs = performance.now() - startedMs;
        onFile?.({ file: toText(entry.name), sizeBytes, durationMs, offsetBytes });
        offsetBytes += sizeBytes;
      } else chunks.append(encodeTarHeader(header));
      for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
    }
  } finally {
    tree.close();
  }
  chunks.appendZeros(2 * BLOCK_BYTES);
  for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
  const rest = chunks.takeRest();
  if (rest.length > 0) yield rest;
}

/** A regular file on its way into the archive. */
interface Packing {
  fd: number;
  entry: SourceEntry;
  header: TarHeaderFields;
  chunks: ChunkBuilder;
  changed: ChangedFiles;
}

/** A file that says it is empty, with what it holds. @returns how many bytes; a promise only for what is not read at once */
function appendSizeless(packing: Packing): number | Promise<number> {
  const file = new SizelessFile(packing.fd, packing.entry.path);
  return file.isWhole
    ? appendWhole(packing, file.head)
    : file.gather().then((bytes) => appendWhole(packing, bytes));
}

function appendWhole({ header, chunks }: Packing, bytes: Buffer): number {
  chunks.append(encodeTarHeader({ ...header, size: bytes.length }));
  chunks.append(bytes);
  chunks.appendZeros(paddingOf(bytes.length));
  return bytes.length;
}

function appendSmall({ fd, entry, header, chunks, changed }: Packing): void {
  chunks.append(encodeTarHeader(header));
  const file = new PackedFile(fd, entry);
  while (file.left > 0) {
    const bytesRead = file.readSmall(chunks.room(file.left));
    if (bytesRead === 0) break;
    chunks.commit(bytesRead);
  }
  complete(entry, file, chunks, changed);
}

async function* bigFile(
  { fd, entry, header, chunks, changed }: Packing,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  chunks.append(encodeTarHeader(header));
  const file = new PackedFile(fd, entry);
  while (file.left > 0) {
    signal?.throwIfAborted();
    const bytesRead = await file.readBig(chunks.room(file.left));
    if (bytesRead === 0) break;
    chunks.commit(bytesRead);
    for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
  }
  complete(entry, file, chunks, changed);
}

/** Fills what is missing, and up to the next header. */
function complete(
  { name, stats }: SourceEntry,
  file: PackedFile,
  chunks: ChunkBuilder,
  changed: ChangedFiles,
): void {
  const found = file.left > 0 ? stats.size - file.left : file.changedSize();
  if (found !== undefined) changed.note(name, stats.size, found);
  chunks.appendZeros(file.left + paddingOf(stats.size));
}

/** Up to the next header. */
function paddingOf(sizeBytes: number): number {
  return (BLOCK_BYTES - (sizeBytes % BLOCK_BYTES)) % BLOCK_BYTES;
}

function headerOf(tree: SourceTree, entry: SourceEntry): TarHeaderFields {
  const { path, name, stats } = entry;
  const type = typeOf(stats, path);
  const fields: TarHeaderFields = {
    name,
    type,
    mode: stats.mode & 0o7777,
    uid: stats.uid,
    gid: stats.gid,
    size: type === "0" ? stats.size : 0,
    mtimeSeconds: Math.floor(stats.mtimeMs / 1000), // upstream rounds, so a file may come from the future
  };
  if (type === "3" || type === "4") return { ...fields, device: stats.rdev };
  return type === "2" ? { ...fields, linkName: tree.readLink(entry) } : fields;
}

function typeOf(stats: Stats, path: RawName): TarHeaderFields["type"] {
  if (stats.isFile()) return "0";
  if (stats.isDirectory()) return "5";
  if (stats.isSymbolicLink()) return "2";
  if (stats.isFIFO()) return "6";
  if (stats.isCharacterDevice()) return "3";
  if (stats.isBlockDevice()) return "4";
  throw new ArtifactError(`archive/tar: sockets not supported: ${toText(path)}`, {
    code: "archive.unsupported_entry",
    remedy: "Remove the socket before the step ends, or choose a path without it.",
  });
}
