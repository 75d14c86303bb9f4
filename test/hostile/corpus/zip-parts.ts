import { crc32 } from "node:zlib";

/** An entry as an attacker may list it: nothing is checked. Names are one character per byte. */
export interface ZipPart {
  name: string;
  /** As stat(2) has it; from a system without modes when undefined. */
  mode?: number;
  /** What stands in the file, compressed or not. */
  data?: Buffer;
  /** 0 stored (default), 8 deflated, 12 bzip2. */
  method?: number;
  flags?: number;
  crc?: number;
  size?: number;
  packedSize?: number;
  /** Where its local header is said to be. Default: where it is. */
  offset?: number;
  /** No local header and no data of its own. */
  listedOnly?: boolean;
  /** What the local header says instead. */
  local?: Partial<Pick<ZipPart, "name" | "size" | "packedSize" | "crc" | "method" | "flags">>;
  extra?: Buffer;
}

export const FILE_MODE = 0o100644;
export const LINK_MODE = 0o120777;

/** An entry that is stored as it is. */
export function stored(name: string, text: string | Buffer, more: Partial<ZipPart> = {}): ZipPart {
  const data = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  return { name, mode: FILE_MODE, data, crc: crc32(data), size: data.length, ...more };
}

export interface ZipEnd {
  /** Stands before the first entry. */
  before?: Buffer;
  comment?: Buffer;
  /** Entries that the end says there are. */
  entries?: number;
  directoryOffset?: number;
  directoryBytes?: number;
}

export function zip(parts: readonly ZipPart[], end: ZipEnd = {}): Buffer {
  const chunks: Buffer[] = [end.before ?? Buffer.alloc(0)];
  const listed: Buffer[] = [];
  let offset = chunks[0]?.length ?? 0;
  for (const part of parts) {
    listed.push(centralHeader(part, offset));
    if (part.listedOnly) continue;
    const local = Buffer.concat([localHeader({ ...part, ...part.local }), part.data ?? Buffer.alloc(0)]);
    chunks.push(local);
    offset += local.length;
  }
  const directory = Buffer.concat(listed);
  const comment = end.comment ?? Buffer.alloc(0);
  const tail = Buffer.alloc(22);
  tail.writeUInt32LE(0x06054b50, 0);
  tail.writeUInt16LE(end.entries ?? parts.length, 8);
  tail.writeUInt16LE(end.entries ?? parts.length, 10);
  tail.writeUInt32LE(end.directoryBytes ?? directory.length, 12);
  tail.writeUInt32LE(end.directoryOffset ?? offset, 16);
  tail.writeUInt16LE(comment.length, 20);
  return Buffer.concat([...chunks, directory, tail, comment]);
}

function localHeader(part: ZipPart): Buffer {
  const name = Buffer.from(part.name, "latin1");
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  shared(part).copy(header, 4);
  header.writeUInt16LE(name.length, 26);
  return Buffer.concat([header, name]);
}

function centralHeader(part: ZipPart, offset: number): Buffer {
  const name = Buffer.from(part.name, "latin1");
  const extra = part.extra ?? Buffer.alloc(0);
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(part.mode === undefined ? 20 : (3 << 8) | 20, 4);
  shared(part).copy(header, 6);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE(((part.mode ?? 0) << 16) >>> 0, 38);
  header.writeUInt32LE(part.offset ?? offset, 42);
  return Buffer.concat([header, name, extra]);
}

/** What both headers have in the same order: version, flags, method, time, date, checksum, sizes. */
function shared({ flags = 0, method = 0, crc = 0, size = 0, packedSize, data }: ZipPart): Buffer {
  const bytes = Buffer.alloc(22);
  bytes.writeUInt16LE(20, 0);
  bytes.writeUInt16LE(flags, 2);
  bytes.writeUInt16LE(method, 4);
  bytes.writeUInt16LE(0x21, 8);
  bytes.writeUInt32LE(crc, 10);
  bytes.writeUInt32LE(packedSize ?? data?.length ?? 0, 14);
  bytes.writeUInt32LE(size, 18);
  return bytes;
}
