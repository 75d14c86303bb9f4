import { isUtf8 } from "node:buffer";
import type { RawName } from "./raw-name.ts";

/** One entry as the central directory will list it. Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT */
export interface ZipEntry {
  /** With a trailing slash for a directory. */
  name: RawName;
  /** Type and permission bits, as stat(2) has them. */
  mode: number;
  mtimeSeconds: number;
  /** 0 is stored, 8 deflated. */
  method: 0 | 8;
  crc32: number;
  compressedBytes: number;
  sizeBytes: number;
  /** Sizes and checksum follow the data, because they were not known before it. */
  streamed: boolean;
  /** Eight-byte sizes in the local header and behind the data. */
  zip64: boolean;
  /** Where its local header begins. */
  offset: number;
}

const MAX_32 = 0xffffffff;
const MAX_16 = 0xffff;
const VERSION_MADE_BY_UNIX = (3 << 8) | 63;
const FLAG_STREAMED = 1 << 3;
const FLAG_UTF8 = 1 << 11;
const EXTRA_ZIP64 = 0x0001;
const EXTRA_TIMESTAMP = 0x5455;

export function encodeLocalHeader(entry: ZipEntry): Buffer {
  const late = entry.streamed;
  const extra = Buffer.concat([
    timestampExtra(entry),
    ...(entry.zip64 ? [zip64Extra(late ? [0, 0] : sizes(entry))] : []),
  ]);
  const name = Buffer.from(entry.name, "latin1");
  const header = Buffer.alloc(30);
  header.writeUInt32LE(0x04034b50, 0);
  header.writeUInt16LE(entry.zip64 ? 45 : 20, 4);
  writeShared(header, 6, entry, late ? 0 : entry.crc32);
  header.writeUInt32LE(entry.zip64 ? MAX_32 : late ? 0 : entry.compressedBytes, 18);
  header.writeUInt32LE(entry.zip64 ? MAX_32 : late ? 0 : entry.sizeBytes, 22);
  header.writeUInt16LE(name.length, 26);
  header.writeUInt16LE(extra.length, 28);
  return Buffer.concat([header, name, extra]);
}

/** Stands behind the data of a streamed entry. */
export function encodeDataDescriptor(entry: ZipEntry): Buffer {
  const descriptor = Buffer.alloc(entry.zip64 ? 24 : 16);
  descriptor.writeUInt32LE(0x08074b50, 0);
  descriptor.writeUInt32LE(entry.crc32, 4);
  if (entry.zip64) {
    descriptor.writeBigUInt64LE(BigInt(entry.compressedBytes), 8);
    descriptor.writeBigUInt64LE(BigInt(entry.sizeBytes), 16);
  } else {
    descriptor.writeUInt32LE(entry.compressedBytes, 8);
    descriptor.writeUInt32LE(entry.sizeBytes, 12);
  }
  return descriptor;
}

export function encodeCentralHeader(entry: ZipEntry): Buffer {
  // In this order, and only those whose 32-bit field is full.
  const full = [entry.sizeBytes, entry.compressedBytes, entry.offset].filter((value) => value >= MAX_32);
  const extra = Buffer.concat([timestampExtra(entry), ...(full.length > 0 ? [zip64Extra(full)] : [])]);
  const name = Buffer.from(entry.name, "latin1");
  const header = Buffer.alloc(46);
  header.writeUInt32LE(0x02014b50, 0);
  header.writeUInt16LE(VERSION_MADE_BY_UNIX, 4);
  header.writeUInt16LE(full.length > 0 || entry.zip64 ? 45 : 20, 6);
  writeShared(header, 8, entry, entry.crc32);
  header.writeUInt32LE(Math.min(entry.compressedBytes, MAX_32), 20);
  header.writeUInt32LE(Math.min(entry.sizeBytes, MAX_32), 24);
  header.writeUInt16LE(name.length, 28);
  header.writeUInt16LE(extra.length, 30);
  header.writeUInt32LE((entry.mode << 16) >>> 0, 38);
  header.writeUInt32LE(Math.min(entry.offset, MAX_32), 42);
  return Buffer.concat([header, name, extra]);
}

/** The end of the archive, with its zip64 form before it when a number needs that. */
export function encodeEnd(entries: number, directoryOffset: number, directoryBytes: number): Buffer {
  const needsZip64 = entries >= MAX_16 || directoryOffset >= MAX_32 || directoryBytes >= MAX_32;
  const end = Buffer.alloc(22);
  end.writeUInt32LE(0x06054b50, 0);
  end.writeUInt16LE(Math.min(entries, MAX_16), 8);
  end.writeUInt16LE(Math.min(entries, MAX_16), 10);
  end.writeUInt32LE(Math.min(directoryBytes, MAX_32), 12);
  end.writeUInt32LE(Math.min(directoryOffset, MAX_32), 16);
  return needsZip64 ? Buffer.concat([encodeZip64End(entries, directoryOffset, directoryBytes), end]) : end;
}

function encodeZip64End(entries: number, directoryOffset: number, directoryBytes: number): Buffer {
  const end = Buffer.alloc(56 + 20);
  end.writeUInt32LE(0x06064b50, 0);
  end.writeBigUInt64LE(44n, 4);
  end.writeUInt16LE(VERSION_MADE_BY_UNIX, 12);
  end.writeUInt16LE(45, 14);
  end.writeBigUInt64LE(BigInt(entries), 24);
  end.writeBigUInt64LE(BigInt(entries), 32);
  end.writeBigUInt64LE(BigInt(directoryBytes), 40);
  end.writeBigUInt64LE(BigInt(directoryOffset), 48);
  end.writeUInt32LE(0x07064b50, 56); // the locator
  end.writeBigUInt64LE(BigInt(directoryOffset + directoryBytes), 64);
  end.writeUInt32LE(1, 72);
  return end;
}

/** Flags, method, time and checksum stand in the same order in both headers. */
function writeShared(header: Buffer, at: number, entry: ZipEntry, checksum: number): void {
  // A name that is not UTF-8 goes as it is, without the flag, as Go writes it.
  const utf8 = isUtf8(Buffer.from(entry.name, "latin1")) ? FLAG_UTF8 : 0;
  const { time, date } = dosTime(entry.mtimeSeconds);
  header.writeUInt16LE(utf8 | (entry.streamed ? FLAG_STREAMED : 0), at);
  header.writeUInt16LE(entry.method, at + 2);
  header.writeUInt16LE(time, at + 4);
  header.writeUInt16LE(date, at + 6);
  header.writeUInt32LE(checksum, at + 8);
}

function sizes(entry: ZipEntry): number[] {
  return [entry.sizeBytes, entry.compressedBytes];
}

function zip64Extra(values: number[]): Buffer {
  const extra = Buffer.alloc(4 + values.length * 8);
  extra.writeUInt16LE(EXTRA_ZIP64, 0);
  extra.writeUInt16LE(values.length * 8, 2);
  values.forEach((value, index) => {
    extra.writeBigUInt64LE(BigInt(value), 4 + index * 8);
  });
  return extra;
}

/** Seconds since the epoch in UTC, which DOS time is not. */
function timestampExtra({ mtimeSeconds }: ZipEntry): Buffer {
  const extra = Buffer.alloc(9);
  extra.writeUInt16LE(EXTRA_TIMESTAMP, 0);
  extra.writeUInt16LE(5, 2);
  extra[4] = 1; // modification time only
  extra.writeInt32LE(Math.min(Math.max(mtimeSeconds, -0x80000000), 0x7fffffff), 5);
  return extra;
}

/** Two-second steps from 1980 to 2107; we give it in UTC. */
function dosTime(mtimeSeconds: number): { time: number; date: number } {
  const at = new Date(Math.min(Math.max(mtimeSeconds, 315_532_800), 4_354_819_198) * 1000);
  return {
    time: (at.getUTCHours() << 11) | (at.getUTCMinutes() << 5) | (at.getUTCSeconds() >> 1),
    date: ((at.getUTCFullYear() - 1980) << 9) | ((at.getUTCMonth() + 1) << 5) | at.getUTCDate(),
  };
}
