import { describe, expect, it } from "vitest";
import { blocksOf } from "./blocks-of.ts";
import { BusyStage, metered } from "./busy-stage.ts";
import { ChunkBuilder } from "./chunk-builder.ts";
import { cleanEntryName, cleanLinkTarget } from "./clean-entry-name.ts";
import { encodeTarHeader } from "./encode-tar-header.ts";
import { LinkTable } from "./link-table.ts";
import { formatPaxRecord, parsePaxRecords } from "./pax.ts";
import { toPath, toRaw, toText } from "./raw-name.ts";
import { fitsOctal, parseTarNumber, writeOctal } from "./tar-numbers.ts";
import { collect } from "./testing/streams.ts";
import { DEFAULT_UNPACK_LIMITS } from "./unpack-limits.ts";

describe("cleanEntryName", () => {
  it.each([
    ["a", "a"],
    ["a/b", "a/b"],
    ["...", "..."],
    ["..a", "..a"],
    [".a/b.", ".a/b."],
    ["./a", "a"],
    ["a//b/", "a/b"],
    ["/a", "a"],
    ["//a", "a"],
    ["a/./b", "a/b"],
    ["a/../b", "b"],
    ["", ""],
    [".", ""],
    ["./", ""],
    ["/", ""],
    ["a/..", ""],
    ["..", undefined],
    ["../a", undefined],
    ["/..", undefined],
    ["a/../..", undefined],
    ["a/../../a", undefined],
    ["a\0b", undefined],
  ])("takes %j for %j", (name, place) => {
    expect(cleanEntryName(name)).toBe(place);
  });
});

describe("cleanLinkTarget", () => {
  it.each([
    ["d/l", "f", "d/f"],
    ["d/l", "../f", "f"],
    ["d/l", ".", "d"],
    ["d/l", "..", ""],
    ["d/l", "../..", undefined],
    ["l", "..", undefined],
    ["l", "/f", undefined],
    ["l", "f\0", undefined],
  ])("at %s the target %j is %j", (link, target, place) => {
    const name = cleanEntryName(link);
    if (name === undefined) throw new Error(`${link} leads outside`);
    expect(cleanLinkTarget(name, target)).toBe(place);
  });
});

describe("LinkTable", () => {
  it("bounds what it holds", () => {
    const table = new LinkTable({ ...DEFAULT_UNPACK_LIMITS, maxLinkBytes: 10 });
    const name = cleanEntryName("link");
    if (name === undefined) throw new Error("a good name");
    table.set(name, "target");
    expect(() => table.set(name, "x")).toThrow("limit maxLinkBytes of 10");
  });
});

describe("raw names", () => {
  it("carry bytes that are not UTF-8, and show them as unknown", () => {
    expect(toRaw("é")).toBe("\xc3\xa9");
    expect(toText("\xc3\xa9")).toBe("é");
    expect(toText("\xe9")).toBe("\ufffd");
    expect(toPath("plain")).toBe("plain");
    expect(toPath("\xe9")).toEqual(Buffer.from([0xe9]));
    expect(toRaw("\u{1f600}")).toBe("\xf0\x9f\x98\x80");
  });
});

describe("tar numbers", () => {
  const parse = (text: string): number => parseTarNumber(Buffer.from(text, "latin1"), 0, text.length, "size");

  it.each([
    ["0000644\0", 0o644],
    ["   644 \0", 0o644],
    ["644\0junk", 0o644],
    ["\0\0\0\0\0\0\0\0", 0],
    ["        ", 0],
    ["77777777777\0", 8 ** 11 - 1],
    ["777777777777", 8 ** 12 - 1],
    ["\x80\0\0\0\0\0\0\0\0\0\x01\0", 256],
    [`\xff${"\xff".repeat(11)}`, -1],
  ])("reads %j as %i", (text, value) => {
    expect(parse(text)).toBe(value);
  });

  it.each(["9\0", "-1\0", "6 4\0", "0x1\0", "\x80\xff\xff\xff\xff\xff\xff\xff\xff"])("refuses %j", (text) => {
    expect(() => parse(text)).toThrow("the field size is not a number we can hold");
  });

  it("writes what it reads, up to what fits", () => {
    const block = Buffer.alloc(8);
    expect(fitsOctal(0o7777777, 8)).toBe(true);
    expect(fitsOctal(0o10000000, 8)).toBe(false);
    expect(fitsOctal(-1, 8)).toBe(false);
    writeOctal(block, 0o7777777, 0, 8);
    expect(block.toString("latin1")).toBe("7777777\0");
  });
});

describe("pax records", () => {
  it("count their own length, also where it grows by a digit", () => {
    for (let length = 0; length < 1100; length++) {
      const record = formatPaxRecord("path", "x".repeat(length));
      expect(Number.parseInt(record, 10)).toBe(record.length);
      expect(parsePaxRecords(Buffer.from(record)).get("path")).toHaveLength(length);
    }
  });

  it("may hold newlines and equals signs in their values", () => {
    const text = formatPaxRecord("a", "x=y\n") + formatPaxRecord("b", "");
    expect([...parsePaxRecords(Buffer.from(text))]).toEqual([
      ["a", "x=y\n"],
      ["b", ""],
    ]);
  });
});

describe("encodeTarHeader", () => {
  const blocks = (name: string, linkName = ""): number =>
    encodeTarHeader({ name, type: "0", mode: 0, uid: 0, gid: 0, size: 0, mtimeSeconds: 0, linkName }).length /
    512;

  it("uses one block where USTAR can say it, and pax where it cannot", () => {
    expect(blocks("n".repeat(100))).toBe(1);
    expect(blocks("n".repeat(101))).toBe(3);
    expect(blocks(`${"d".repeat(155)}/${"n".repeat(100)}`)).toBe(1);
    expect(blocks(`${"d".repeat(156)}/${"n".repeat(99)}`)).toBe(3);
    expect(blocks(`${"d".repeat(99)}/${"n".repeat(101)}`)).toBe(3);
    expect(blocks("caf\xc3\xa9")).toBe(3);
    expect(blocks("l", "t".repeat(100))).toBe(1);
    expect(blocks("l", "t".repeat(101))).toBe(3);
  });
});

describe("blocksOf", () => {
  it.each([1, 3, 4, 5, 100])("cuts chunks of %i bytes into blocks of one length", async (chunkBytes) => {
    const bytes = Buffer.from("abcdefghijklmnopqrstuvwxy");
    async function* source(): AsyncGenerator<Buffer> {
      for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
    }
    const blocks: string[] = [];
    for await (const block of blocksOf(source(), 4)) blocks.push(block.toString());
    expect(blocks).toEqual(["abcd", "efgh", "ijkl", "mnop", "qrst", "uvwx", "y"]);
  });
});

describe("ChunkBuilder", () => {
  it("gives away full chunks and never touches them again", () => {
    const builder = new ChunkBuilder(4);
    builder.append(Buffer.from("abcdefghij"));
    const [first, second] = [builder.take(), builder.take()];
    builder.appendZeros(3);
    expect([first?.toString(), second?.toString(), builder.take()?.toString(), builder.take()]).toEqual([
      "abcd",
      "efgh",
      "ij\0\0",
      undefined,
    ]);
    expect(builder.takeRest().toString()).toBe("\0");
  });
});

describe("busy stages", () => {
  it("are one to the meter, however many things go on", () => {
    const calls: string[] = [];
    const busy = new BusyStage(
      { enter: () => calls.push("enter"), leave: () => calls.push("leave") },
      "compress",
    );
    busy.begin();
    busy.begin();
    busy.end();
    busy.end();
    busy.end();
    busy.begin();
    busy.endAll();
    busy.endAll();
    expect(calls).toEqual(["enter", "leave", "enter", "leave"]);
  });

  it("end when the source fails, or nobody wants more", async () => {
    let running = 0;
    let released = 0;
    const meter = { enter: () => running++, leave: () => running-- };
    async function* source(fails: boolean): AsyncGenerator<Buffer> {
      try {
        yield Buffer.from("x");
        if (fails) throw new Error("broken");
        yield Buffer.from("y");
      } finally {
        released++;
      }
    }
    await expect(collect(metered(source(true), "disk", meter))).rejects.toThrow("broken");
    for await (const _chunk of metered(source(false), "disk", meter)) break;
    expect((await collect(metered(source(false), "disk", meter))).toString()).toBe("xy");
    expect([running, released]).toEqual([0, 3]);
  });
});
