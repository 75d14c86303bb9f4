import { readdirSync, writeFileSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { extractZip } from "./extract-zip.ts";
import { attack, type Outcome, type Scene } from "./testing/attack.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import type { ExtractOptions } from "./unpacker.ts";
import { encodeCentralHeader, encodeEnd, encodeLocalHeader, type ZipEntry } from "./zip-format.ts";

const LINK = 0o120777;
const FILE = 0o100644;

/** An entry as an attacker may list it; the data is what it is. */
interface Part extends Partial<ZipEntry> {
  name: string;
  data?: Buffer;
  /** What the local header says instead. */
  local?: Partial<ZipEntry>;
}

function entry(name: string, data: string, fields: Partial<Part> = {}): Part {
  const bytes = Buffer.from(data);
  return {
    name,
    data: bytes,
    crc32: crc32(bytes),
    sizeBytes: bytes.length,
    compressedBytes: bytes.length,
    ...fields,
  };
}

function zip(...parts: Part[]): Buffer {
  const chunks: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const { data = Buffer.alloc(0), local = {}, ...fields } of parts) {
    const listed: ZipEntry = {
      ...{ mode: FILE, mtimeSeconds: 0, method: 0, crc32: 0, compressedBytes: 0, sizeBytes: 0 },
      ...{ streamed: false, zip64: false, offset },
      ...fields,
    };
    const whole = Buffer.concat([encodeLocalHeader({ ...listed, ...local }), data]);
    chunks.push(whole);
    central.push(encodeCentralHeader(listed));
    offset += whole.length;
  }
  const directory = Buffer.concat(central);
  return Buffer.concat([...chunks, directory, encodeEnd(parts.length, offset, directory.length)]);
}

function attackWith(make: (scene: Scene) => Buffer, options: Partial<ExtractOptions> = {}): Promise<Outcome> {
  return attack(async (scene, { into }) => {
    using elsewhere = temporaryDirectory();
    writeFileSync(elsewhere.join("a.zip"), make(scene));
    await extractZip(elsewhere.join("a.zip"), { into, ...options });
  });
}

describe("zip entries that lead outside", () => {
  it.each(["../victim/secret", "a/../../victim/secret", "/../victim/secret", ".."])(
    "zip slip: %s",
    async (name) => {
      const { error } = await attackWith(() => zip(entry("ok", "x"), entry(name, "owned")));
      expect(error).toMatchObject({
        code: "archive.path_escape",
        message: expect.stringMatching(/\/into\/.*: Illegal file path$/),
      });
    },
  );

  it("a backslash is a character like any other", async () => {
    const { tree } = await attackWith(() => zip(entry("..\\victim\\secret", "x")));
    expect(Object.keys(tree)).toEqual(["..\\victim\\secret"]);
  });

  it("an absolute name stays below the root", async () => {
    const { error, tree } = await attackWith(({ victim }) => zip(entry(`${victim}/secret`, "owned")));
    expect(error).toBeUndefined();
    expect(Object.keys(tree).length).toBeGreaterThan(2);
  });

  it("a link outside, then a file through it", async () => {
    const { error } = await attackWith(({ victim }) =>
      zip(entry("l", victim, { mode: LINK }), entry("l/secret", "owned")),
    );
    expect(error).toMatchObject({
      code: "archive.path_escape",
      message: expect.stringMatching(/^illegal symlink target: l -> /),
    });
  });

  it("a link inside, then a file through it", async () => {
    const { error } = await attackWith(() =>
      zip(entry("d/f", ""), entry("l", "d", { mode: LINK }), entry("l/f", "owned")),
    );
    expect(error).toMatchObject({
      code: "archive.path_escape",
      message: expect.stringContaining("through the symbolic link l"),
    });
  });

  it("a NUL in a name", async () => {
    const { error } = await attackWith(() => zip(entry("ok\0/../../victim", "x")));
    expect(error).toMatchObject({ code: "archive.path_escape" });
  });

  it("a local header with another name than the directory's is not believed", async () => {
    const { error, tree } = await attackWith(() =>
      zip(entry("honest", "x", { local: { name: "../victim/secret" } })),
    );
    expect(error).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["honest"]);
  });

  it("devices and set-id bits", async () => {
    const { tree } = await attackWith(() =>
      zip(entry("dev", "", { mode: 0o020666 }), entry("suid", "x", { mode: 0o104755 })),
    );
    expect(tree).toEqual({ suid: expect.stringMatching(/^file 755 /) });
  });
});

describe("zip entries that lie about themselves", () => {
  const bytes = Buffer.from("hello ".repeat(1000));
  const deflated = deflateRawSync(bytes);
  const good: Part = {
    ...{ name: "f", data: deflated, method: 8, crc32: crc32(bytes) },
    ...{ sizeBytes: bytes.length, compressedBytes: deflated.length },
  };
  const big = Buffer.alloc(1_000_000, "big");
  const bigGood: Part = {
    ...{ name: "f", data: deflateRawSync(big), method: 8, crc32: crc32(big) },
    ...{ sizeBytes: big.length, compressedBytes: deflateRawSync(big).length },
  };

  it.each([
    ["a wrong checksum", zip({ ...good, crc32: 1 })],
    ["more data than listed", zip({ ...good, sizeBytes: bytes.length - 1 })],
    ["less data than listed", zip({ ...good, sizeBytes: bytes.length + 1 })],
    ["data cut short", zip({ ...good, compressedBytes: deflated.length - 5 })],
    ["data that is not deflate", zip({ ...good, data: Buffer.alloc(deflated.length, 0xff) })],
    ["a big file with a wrong checksum", zip({ ...bigGood, crc32: 1 })],
    ["a big file with more data than listed", zip({ ...bigGood, sizeBytes: big.length - 400_000 })],
    ["a big file with less data than listed", zip({ ...bigGood, sizeBytes: big.length + 1 })],
    [
      "a big file that is not deflate",
      zip({ ...bigGood, data: Buffer.alloc(bigGood.compressedBytes ?? 0, 0xff) }),
    ],
    ["an offset beyond the end", zip({ ...good, offset: 1_000_000 })],
    ["an offset to something else", zip({ ...good, offset: 7 })],
    ["a truncated directory", zip(good).subarray(0, -30)],
    ["no zip at all", Buffer.from("<html>not found</html>".repeat(10))],
    ["nothing", Buffer.alloc(0)],
  ])("%s", async (_what, archive) => {
    const { error } = await attackWith(() => archive);
    expect(error).toMatchObject({ code: "archive.corrupt", message: expect.stringMatching(/zip archive/) });
  });

  it("a big file with more data than listed is not written further than its list entry says", async () => {
    const { tree } = await attackWith(() => zip({ ...bigGood, sizeBytes: 600_000 }));
    expect(tree.f?.length).toBeLessThan(600_000);
  });

  it.each([
    ["encrypted", zip(entry("f", "x"))],
    ["compressed with bzip2", zip(entry("f", "x"))],
  ])("%s: refused by name", async (what, archive) => {
    const central = archive.indexOf("PK\x01\x02", 0, "latin1");
    if (what === "encrypted") archive.writeUInt16LE(1, central + 8);
    else archive.writeUInt16LE(12, central + 10);
    // yauzl expects the twelve bytes of an encryption header.
    if (what === "encrypted") archive.writeUInt32LE(13, central + 20);
    const { error } = await attackWith(() => archive);
    expect(error).toMatchObject({
      code: "archive.unsupported_entry",
      message: expect.stringContaining("f in the zip"),
    });
  });

  it("entries that share their data (Fifield's bomb) count each for itself", async () => {
    const zeros = Buffer.alloc(1024 ** 2);
    const data = deflateRawSync(zeros);
    const sizes = { crc32: crc32(zeros), sizeBytes: zeros.length, compressedBytes: data.length };
    const first: Part = { name: "f0", data, method: 8, ...sizes };
    const others = Array.from(
      { length: 99 },
      (_, at): Part => ({ name: `f${at + 1}`, method: 8, offset: 0, ...sizes }),
    );
    const { error, tree } = await attackWith(() => zip(first, ...others), {
      limits: { maxBytes: 3.5 * 1024 ** 2 },
    });
    expect(error).toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("maxBytes"),
    });
    expect(Object.keys(tree)).toEqual(["f0", "f1", "f2"]);
  });

  it("a size that its data cannot have is refused by the ratio before a byte is written", async () => {
    const { error, tree } = await attackWith(() => zip({ ...good, sizeBytes: 3 * 1024 ** 3 }));
    expect(error).toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("maxRatio"),
    });
    expect(tree).toEqual({});
  });

  it("leaves no descriptor open after a failure", async () => {
    const before = readdirSync("/proc/self/fd").length;
    await attackWith(() => zip({ ...bigGood, crc32: 1 }));
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
