import type { RawName } from "./raw-name.ts";
import { parseTarNumber } from "./tar-numbers.ts";

export const BLOCK_BYTES = 512;

/** One 512-byte header, field by field: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_06 */
export interface TarHeader {
  name: RawName;
  /** The type flag as a character; `0` also for the older NUL. */
  type: string;
  linkName: RawName;
  /** Permission and set-id bits, as written. */
  mode: number;
  size: number;
  /** Seconds since the epoch, possibly negative. */
  mtimeSeconds: number;
}

/** A header with the extended headers before it applied. `size` is 0 for types that have no data. */
export interface TarEntry extends TarHeader {
  /** The data is a map of holes and what lies between them (GNU), not the file's content. */
  sparse: boolean;
}

const CHECKSUM_OFFSET = 148;
const CHECKSUM_BYTES = 8;

/** With a loop: a callback per byte takes a minute for a gigabyte, and a gigabyte of zeros is a megabyte of gzip. */
export function isZeroes(bytes: Uint8Array): boolean {
  for (let at = 0; at < bytes.length; at++) if (bytes[at] !== 0) return false;
  return true;
}

export function isZeroBlock(block: Buffer, offset: number): boolean {
  for (let at = offset; at < offset + BLOCK_BYTES; at++) if (block[at] !== 0) return false;
  return true;
}

/**
 * Whether the block at `offset` carries its own checksum, which is what makes a block a tar header.
 * Some old writers summed signed bytes; both sums are accepted, as everywhere.
 */
export function hasValidChecksum(block: Buffer, offset: number): boolean {
  // The checksum's own field counts as eight spaces.
  let unsigned = 8 * 0x20;
  let aboveAscii = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) {
    if (at === CHECKSUM_OFFSET) at += CHECKSUM_BYTES;
    const byte = block[offset + at] ?? 0;
    unsigned += byte;
    aboveAscii += byte >> 7;
  }
  let stored: number;
  try {
    stored = parseTarNumber(block, offset + CHECKSUM_OFFSET, CHECKSUM_BYTES, "checksum");
  } catch {
    return false; // no number, hence no checksum
  }
  return stored === unsigned || stored === unsigned - 256 * aboveAscii;
}

/** @throws ArtifactError `archive.corrupt` when a field that matters is not readable */
export function decodeTarHeader(block: Buffer, offset: number): TarHeader {
  const flag = block[offset + 156] ?? 0;
  return {
    name: fullName(block, offset),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
    linkName: readText(block, offset + 157, 100),
    mode: parseTarNumber(block, offset + 100, 8, "mode"),
    size: parseTarNumber(block, offset + 124, 12, "size"),
    mtimeSeconds: parseTarNumber(block, offset + 136, 12, "mtime"),
  };
}

/** POSIX and Schily's star keep the beginning of a long name apart; GNU and V7 have other things there. */
function fullName(block: Buffer, offset: number): RawName {
  const name = readText(block, offset, 100);
  if (block[offset + 345] === 0 || block.toString("latin1", offset + 257, offset + 263) !== "ustar\0")
    return name;
  const isStar = block.toString("latin1", offset + 508, offset + 512) === "tar\0";
  return `${readText(block, offset + 345, isStar ? 131 : 155)}/${name}`;
}

/** A text field: up to its NUL or its end. */
function readText(block: Buffer, offset: number, length: number): RawName {
  const end = block.indexOf(0, offset);
  return block.toString("latin1", offset, end === -1 || end > offset + length ? offset + length : end);
}
