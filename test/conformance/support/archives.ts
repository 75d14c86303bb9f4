import { crc32, gunzipSync, gzipSync, inflateRawSync } from "node:zlib";

/** An entry of a tar as its header has it; what is left out when writing is that of an ordinary file. */
export interface TarEntry {
  name: string;
  /** The type flag: `0` file, `1` hard link, `2` symbolic link, `5` directory, `6` fifo. */
  type: string;
  mode: number;
  uid: number;
  mtime: number;
  linkName: string;
  data: string;
}

export interface ZipEntry {
  name: string;
  /** As stat(2) has it; 0 for none. */
  mode: number;
  data: string;
}

const BLOCK = 512;

/** A tar, written here and by nothing of ours, so that it may be as odd as it has to be. */
export function tar(...entries: (Partial<TarEntry> & { name: string })[]): Buffer {
  return Buffer.concat([...entries.map(tarEntry), Buffer.alloc(2 * BLOCK)]);
}

export function tgz(...entries: (Partial<TarEntry> & { name: string })[]): Buffer {
  return gzipSync(tar(...entries));
}

function tarEntry({ name, ...fields }: Partial<TarEntry> & { name: string }): Buffer {
  const { type = "0", mode = 0o644, uid = 0, mtime = 1_700_000_000, linkName = "", data = "" } = fields;
  const block = Buffer.alloc(BLOCK);
  const body = Buffer.from(data);
  const octal = (value: number, at: number, length: number): void => {
    block.write(value.toString(8).padStart(length - 1, "0"), at);
  };
  block.write(name, 0, 100);
  octal(mode, 100, 8);
  octal(uid, 108, 8);
  octal(uid, 116, 8);
  octal(body.length, 124, 12);
  octal(mtime, 136, 12);
  block.write(`        ${type}${linkName}`, 148);
  block.write("ustar\x0000", 257);
  octal(
    block.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return Buffer.concat([block, body, Buffer.alloc((BLOCK - (body.length % BLOCK)) % BLOCK)]);
}

/** The entries of a tar.gz, header by header: pax headers are entries, too. */
export function readTgz(bytes: Buffer | undefined): (TarEntry & { magic: string })[] {
  const blocks = gunzipSync(bytes ?? Buffer.alloc(0));
  const entries: (TarEntry & { magic: string })[] = [];
  for (let at = 0; blocks[at]; ) {
    const text = (from: number, length: number): string =>
      blocks.toString("utf8", at + from, at + from + length).replace(/\0.*$/s, "");
    const octal = (from: number, length: number): number => Number.parseInt(text(from, length), 8);
    const size = octal(124, 12);
    entries.push({
      name: text(345, 155) === "" ? text(0, 100) : `${text(345, 155)}/${text(0, 100)}`,
      type: text(156, 1),
      mode: octal(100, 8),
      uid: octal(108, 8),
      mtime: octal(136, 12),
      linkName: text(157, 100),
      magic: text(257, 6),
      data: blocks.toString("utf8", at + BLOCK, at + BLOCK + size),
    });
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return entries;
}

/** A zip whose entries are stored; those with a mode are from Unix, the others from DOS. */
export function zip(...entries: (Partial<ZipEntry> & { name: string })[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const { name, mode = 0, data = "" } of entries) {
    const body = Buffer.from(data);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(0x21, 8);
    common.writeUInt32LE(crc32(body), 10);
    common.writeUInt32LE(body.length, 14);
    common.writeUInt32LE(body.length, 18);
    common.writeUInt16LE(Buffer.byteLength(name), 22);
    const rest = Buffer.alloc(14);
    rest.writeUInt32LE((mode << 16) >>> 0, 6);
    rest.writeUInt32LE(offset, 10);
    const madeBy = Buffer.from([20, mode === 0 ? 0 : 3]);
    directory.push(Buffer.from("PK\x01\x02"), madeBy, common, rest, Buffer.from(name));
    const local = Buffer.concat([Buffer.from("PK\x03\x04"), common, Buffer.from(name), body]);
    parts.push(local);
    offset += local.length;
  }
  const listed = Buffer.concat(directory);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06");
  end.writeUInt16LE(entries.length, 8);
  end.writeUInt16LE(entries.length, 10);
  end.writeUInt32LE(listed.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...parts, listed, end]);
}

/** What the directory of a zip lists, and the data it points to. */
export function readZip(bytes: Buffer = Buffer.alloc(22)): (ZipEntry & { method: number })[] {
  const end = bytes.lastIndexOf("PK\x05\x06");
  const entries: (ZipEntry & { method: number })[] = [];
  for (let at = bytes.readUInt32LE(end + 16); at < end; ) {
    const [nameLength, extraLength] = [bytes.readUInt16LE(at + 28), bytes.readUInt16LE(at + 30)];
    const local = bytes.readUInt32LE(at + 42);
    const from = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
    const packed = bytes.subarray(from, from + bytes.readUInt32LE(at + 20));
    const method = bytes.readUInt16LE(at + 10);
    entries.push({
      name: bytes.toString("utf8", at + 46, at + 46 + nameLength),
      mode: bytes.readUInt16LE(at + 40),
      method,
      data: (method === 8 ? inflateRawSync(packed) : packed).toString(),
    });
    at += 46 + nameLength + extraLength + bytes.readUInt16LE(at + 32);
  }
  return entries;
}
