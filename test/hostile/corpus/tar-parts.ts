/** Fields of a header as an attacker may set them: nothing is checked. Names are one character per byte. */
export interface RawHeader {
  name?: string;
  type?: string;
  mode?: number;
  size?: number | Buffer;
  mtime?: number | Buffer;
  linkName?: string;
  magic?: string;
  prefix?: string;
}

/** One header block with a right checksum. */
export function header(fields: RawHeader): Buffer {
  const block = Buffer.alloc(512);
  block.write(fields.name ?? "f", 0, 100, "latin1");
  block.write(octal(fields.mode ?? 0o644, 8), 100, "latin1");
  block.write(octal(0, 8), 108, "latin1");
  block.write(octal(0, 8), 116, "latin1");
  number(block, fields.size ?? 0, 124);
  number(block, fields.mtime ?? 1_700_000_000, 136);
  block.write(fields.type ?? "0", 156, 1, "latin1");
  block.write(fields.linkName ?? "", 157, 100, "latin1");
  block.write(fields.magic ?? "ustar\x0000", 257, 8, "latin1");
  block.write(fields.prefix ?? "", 345, 155, "latin1");
  return withChecksum(block);
}

/** Sets the checksum of a block that was changed by hand. */
export function withChecksum(block: Buffer): Buffer {
  block.fill(0x20, 148, 156);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** Data filled up to whole blocks. */
export function body(data: string | Buffer): Buffer {
  const bytes = typeof data === "string" ? Buffer.from(data, "latin1") : data;
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)]);
}

export function file(name: string, data = "data", fields: RawHeader = {}): Buffer {
  return Buffer.concat([header({ name, size: Buffer.byteLength(data, "latin1"), ...fields }), body(data)]);
}

export function directory(name: string, mode = 0o755): Buffer {
  return header({ name, type: "5", mode });
}

export function symlink(name: string, linkName: string): Buffer {
  return header({ name, type: "2", mode: 0o777, linkName });
}

export function hardLink(name: string, linkName: string): Buffer {
  return header({ name, type: "1", linkName });
}

/** A pax header that speaks about the entry behind it. */
export function pax(records: Record<string, string>, type = "x"): Buffer {
  const text = Object.entries(records)
    .map(([key, value]) => formatPaxRecord(key, value))
    .join("");
  return Buffer.concat([header({ name: "PaxHeaders/x", type, size: text.length }), body(text)]);
}

/** One record, its length counting itself. */
export function formatPaxRecord(key: string, value: string): string {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}

/** GNU's way for long names (`L`) and long link names (`K`). */
export function gnuLong(type: "L" | "K", text: string): Buffer {
  const data = `${text}\0`;
  return Buffer.concat([
    header({ name: "././@LongLink", type, size: data.length, magic: "ustar  \0" }),
    body(data),
  ]);
}

export function endOfArchive(): Buffer {
  return Buffer.alloc(1024);
}

/** A whole archive. */
export function archive(...parts: Buffer[]): Buffer {
  return Buffer.concat([...parts, endOfArchive()]);
}

/** GNU's binary form of a number, for those that octal digits cannot say. */
export function base256(value: bigint, length = 12): Buffer {
  const bytes = Buffer.alloc(length);
  let rest = BigInt.asUintN(length * 8, value);
  for (let at = length - 1; at >= 0; at--) {
    bytes[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  bytes[0] = value < 0n ? 0xff : (bytes[0] ?? 0) | 0x80;
  return bytes;
}

function number(block: Buffer, value: number | Buffer, offset: number): void {
  if (typeof value === "number") block.write(octal(value, 12), offset, "latin1");
  else value.copy(block, offset);
}

function octal(value: number, length: number): string {
  return `${value.toString(8).padStart(length - 1, "0")}\0`;
}
