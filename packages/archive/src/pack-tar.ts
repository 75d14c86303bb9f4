import { readlinkSync, type Stats } from "node:fs";
import { ArtifactError } from "@skein/contract";
import { metered } from "./busy-stage.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import { DEFLATE_BLOCK_BYTES } from "./deflate-blocks.ts";
import { explainingDisk } from "./disk-error.ts";
import { encodeTarHeader, type TarHeaderFields } from "./encode-tar-header.ts";
import type { FileMoved } from "./extract-report.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { ChangedFiles, PackedFile } from "./packed-file.ts";
import { type RawName, toPath, toText } from "./raw-name.ts";
import { type StageMeter, unmetered } from "./stage-meter.ts";
import { BLOCK_BYTES } from "./tar-header.ts";
import { type WalkedEntry, walkTree } from "./walk-tree.ts";

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
  let offsetBytes = 0;
  for (const entry of walkTree(root)) {
    signal?.throwIfAborted();
    chunks.append(encodeTarHeader(headerOf(entry)));
    if (entry.stats.isFile()) {
      const startedMs = performance.now();
      const sizeBytes = entry.stats.size;
      // Only big files are worth a generator of their own.
      if (sizeBytes <= SMALL_FILE_BYTES) appendSmall(entry, chunks, changed);
      else yield* bigFile(entry, chunks, changed, signal);
      onFile?.({
        file: toText(entry.name),
        sizeBytes,
        durationMs: performance.now() - startedMs,
        offsetBytes,
      });
      offsetBytes += sizeBytes;
    }
    for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
  }
  chunks.appendZeros(2 * BLOCK_BYTES);
  for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
  const rest = chunks.takeRest();
  if (rest.length > 0) yield rest;
}

function appendSmall(entry: WalkedEntry, chunks: ChunkBuilder, changed: ChangedFiles): void {
  const file = new PackedFile(entry.path, entry.stats.size);
  try {
    while (file.left > 0) {
      const bytesRead = file.readSmall(chunks.room(file.left));
      if (bytesRead === 0) break;
      chunks.commit(bytesRead);
    }
    complete(entry, file, chunks, changed);
  } finally {
    file.close();
  }
}

async function* bigFile(
  entry: WalkedEntry,
  chunks: ChunkBuilder,
  changed: ChangedFiles,
  signal: AbortSignal | undefined,
): AsyncGenerator<Buffer, void, undefined> {
  const file = new PackedFile(entry.path, entry.stats.size);
  try {
    while (file.left > 0) {
      signal?.throwIfAborted();
      const bytesRead = await file.readBig(chunks.room(file.left));
      if (bytesRead === 0) break;
      chunks.commit(bytesRead);
      for (let chunk = chunks.take(); chunk !== undefined; chunk = chunks.take()) yield chunk;
    }
    complete(entry, file, chunks, changed);
  } finally {
    file.close();
  }
}

/** Fills what is missing, and up to the next header. */
function complete(
  { name, stats }: WalkedEntry,
  file: PackedFile,
  chunks: ChunkBuilder,
  changed: ChangedFiles,
): void {
  const found = file.left > 0 ? stats.size - file.left : file.changedSize();
  if (found !== undefined) changed.note(name, stats.size, found);
  chunks.appendZeros(file.left + ((BLOCK_BYTES - (stats.size % BLOCK_BYTES)) % BLOCK_BYTES));
}

function headerOf({ path, name, stats }: WalkedEntry): TarHeaderFields {
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
  return type === "2" ? { ...fields, linkName: readLink(path) } : fields;
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

export function readLink(path: RawName): RawName {
  return explainingDisk(
    () => `cannot read the link ${toText(path)}`,
    () => readlinkSync(toPath(path), { encoding: "latin1" }),
  );
}
