import { closeSync, ftruncateSync, openSync, readFileSync, writeSync } from "node:fs";

/** What the loader reads of a program or library, and no more: https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html */
export interface Elf {
  /** The dynamic loader it asks for. Libraries and static programs have none. */
  interpreter: string | undefined;
  /** Names of the libraries it is linked with. */
  needed: string[];
  /** Where the part that is loaded into memory ends. */
  loadedBytes: number;
}

const MAGIC = "\x7fELF";
const HEADER_BYTES = 64;
/** Where the header of a 64-bit file says where the section headers are, and how many, and which of them has the names. */
const SECTIONS_OFFSET = 40;
const SECTIONS_COUNT = 60;

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const PT_INTERP = 3;

const DT_NEEDED = 1n;
const DT_STRTAB = 5n;

interface Segment {
  type: number;
  offset: number;
  address: number;
  bytes: number;
}

/**
 * Undefined for what is no ELF file.
 *
 * @throws RangeError for one that is not of 64 bits with the lowest byte first, as amd64 and arm64 have them
 */
export function readElf(file: Buffer): Elf | undefined {
  if (file.toString("latin1", 0, 4) !== MAGIC) return undefined;
  if (file[4] !== 2 || file[5] !== 1) throw new RangeError("not for a 64-bit little-endian machine");
  const segments = readSegments(file);
  const interpreter = segments.find(({ type }) => type === PT_INTERP);
  const loaded = segments.map(({ offset, bytes }) => offset + bytes);
  return {
    interpreter: interpreter && textAt(file, interpreter.offset),
    needed: readNeeded(file, segments),
    loadedBytes: Math.max(HEADER_BYTES, ...loaded),
  };
}

/** Cuts symbols and section headers off a program's file: the loader does not look at them. Other files stay as they are. */
export function removeSymbols(path: string): void {
  const elf = readElf(readFileSync(path));
  if (elf === undefined) return;
  const file = openSync(path, "r+");
  try {
    ftruncateSync(file, elf.loadedBytes);
    writeSync(file, Buffer.alloc(8), 0, 8, SECTIONS_OFFSET);
    writeSync(file, Buffer.alloc(4), 0, 4, SECTIONS_COUNT);
  } finally {
    closeSync(file);
  }
}

function readSegments(file: Buffer): Segment[] {
  const start = Number(file.readBigUInt64LE(32));
  const size = file.readUInt16LE(54);
  const count = file.readUInt16LE(56);
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * size;
    const number = (offset: number): number => Number(file.readBigUInt64LE(at + offset));
    return { type: file.readUInt32LE(at), offset: number(8), address: number(16), bytes: number(32) };
  });
}

function readNeeded(file: Buffer, segments: readonly Segment[]): string[] {
  const dynamic = segments.find(({ type }) => type === PT_DYNAMIC);
  if (dynamic === undefined) return [];
  const entries: [tag: bigint, value: number][] = [];
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.bytes; at += 16) {
    entries.push([file.readBigInt64LE(at), Number(file.readBigUInt64LE(at + 8))]);
  }
  const address = entries.find(([tag]) => tag === DT_STRTAB)?.[1] ?? 0;
  const home = segments.find(
    (segment) =>
      segment.type === PT_LOAD && address >= segment.address && address < segment.address + segment.bytes,
  );
  if (home === undefined) return [];
  const names = address - home.address + home.offset;
  return entries.filter(([tag]) => tag === DT_NEEDED).map(([, offset]) => textAt(file, names + offset));
}

function textAt(file: Buffer, offset: number): string {
  return file.toString("latin1", offset, file.indexOf(0, offset));
}
