import { formatPaxRecord } from "./pax.ts";
import type { RawName } from "./raw-name.ts";
import { BLOCK_BYTES } from "./tar-header.ts";
import { fitsOctal, writeOctal } from "./tar-numbers.ts";

export interface TarHeaderFields {
  name: RawName;
  type: "0" | "2" | "3" | "4" | "5" | "6" | "x";
  /** Permission, set-id and sticky bits. */
  mode: number;
  uid: number;
  gid: number;
  size: number;
  /** Whole seconds. */
  mtimeSeconds: number;
  linkName?: RawName;
  /** For character and block devices, as stat(2) has it. */
  device?: number;
}

const BEYOND_ASCII = /[\u0080-\u00ff]/;
const MAX_NAME = 100;
const MAX_PREFIX = 155;

/**
 * The header blocks of one entry: USTAR, preceded by a pax header for whatever USTAR cannot say (contract §13.2):
 * names that are long or not ASCII, sizes from 8 GiB, ids from 2²¹, times before 1970.
 */
export function encodeTarHeader(fields: TarHeaderFields): Buffer {
  const split = splitName(fields.name);
  const records = paxRecords(fields, split === undefined);
  const header = encodeBlock(fields, split ?? { prefix: "", name: fields.name.slice(-MAX_NAME) });
  if (records === "") return header;
  const size = records.length;
  const meta: TarHeaderFields = {
    name: paxName(fields.name),
    type: "x",
    mode: 0,
    uid: 0,
    gid: 0,
    size,
    mtimeSeconds: 0,
  };
  const body = Buffer.alloc(Math.ceil(size / BLOCK_BYTES) * BLOCK_BYTES);
  body.write(records, "latin1");
  return Buffer.concat([encodeBlock(meta, { prefix: "", name: meta.name }), body, header]);
}

function paxRecords(fields: TarHeaderFields, nameNeedsPax: boolean): RawName {
  let records = "";
  if (nameNeedsPax) records += formatPaxRecord("path", fields.name);
  const { linkName = "" } = fields;
  if (linkName.length > MAX_NAME || BEYOND_ASCII.test(linkName))
    records += formatPaxRecord("linkpath", linkName);
  if (!fitsOctal(fields.size, 12)) records += formatPaxRecord("size", String(fields.size));
  if (!fitsOctal(fields.uid, 8)) records += formatPaxRecord("uid", String(fields.uid));
  if (!fitsOctal(fields.gid, 8)) records += formatPaxRecord("gid", String(fields.gid));
  if (!fitsOctal(fields.mtimeSeconds, 12)) records += formatPaxRecord("mtime", String(fields.mtimeSeconds));
  return records;
}

function encodeBlock(fields: TarHeaderFields, { prefix, name }: { prefix: RawName; name: RawName }): Buffer {
  const block = Buffer.alloc(BLOCK_BYTES);
  block.write(name, 0, MAX_NAME, "latin1");
  writeNumber(block, fields.mode, 100, 8);
  writeNumber(block, fields.uid, 108, 8);
  writeNumber(block, fields.gid, 116, 8);
  writeNumber(block, fields.size, 124, 12);
  writeNumber(block, fields.mtimeSeconds, 136, 12);
  block.write(`        ${fields.type}`, 148, "latin1"); // the checksum counts itself as spaces
  block.write(fields.linkName ?? "", 157, MAX_NAME, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  const [major, minor] = deviceNumbers(fields.device ?? 0);
  writeNumber(block, major, 329, 8);
  writeNumber(block, minor, 337, 8);
  block.write(prefix, 345, MAX_PREFIX, "latin1");
  let sum = 0;
  for (let at = 0; at < BLOCK_BYTES; at++) sum += block[at] ?? 0;
  writeOctal(block, sum, 148, 7);
  return block;
}

/** What does not fit stands in the pax header; readers do not look here then. */
function writeNumber(block: Buffer, value: number, offset: number, length: number): void {
  writeOctal(block, fitsOctal(value, length) ? value : 0, offset, length);
}

/** glibc's layout of a 64-bit device number, of which 32 bits are in use: gnu_dev_major(3). */
function deviceNumbers(device: number): [major: number, minor: number] {
  return [(device >>> 8) & 0xfff, (device & 0xff) | ((device >>> 12) & 0xfff00)];
}

/** USTAR keeps up to 155 bytes of leading directories apart. undefined when the name does not fit that way. */
function splitName(name: RawName): { prefix: RawName; name: RawName } | undefined {
  if (BEYOND_ASCII.test(name)) return undefined;
  if (name.length <= MAX_NAME) return { prefix: "", name };
  if (name.length > MAX_PREFIX + 1 + MAX_NAME) return undefined;
  const slash = name.lastIndexOf("/", MAX_PREFIX);
  if (slash <= 0 || name.length - slash - 1 > MAX_NAME) return undefined;
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) };
}

/** For readers that do not know pax and make a file of it. */
function paxName(name: RawName): RawName {
  const base = name.slice(name.lastIndexOf("/") + 1).replaceAll(/[\u0080-\u00ff]/g, "");
  return `PaxHeaders.0/${base}`.slice(0, MAX_NAME);
}
