import { describe, expect, it } from "vitest";
import {
  archive,
  base256,
  body,
  directory,
  file,
  gnuLong,
  header,
  pax,
  withChecksum,
} from "./testing/tar-parts.ts";
import { unpack } from "./testing/unpack.ts";

const corrupt = (text: string): object => ({
  code: "archive.corrupt",
  message: expect.stringContaining(text),
});

describe("sizes that lie", () => {
  it.each([
    ["-1", base256(-1n)],
    ["-512", base256(-512n)],
    ["-2⁶³", base256(-(2n ** 63n))],
  ])("a negative binary size of %s (node-tar 9e78bf0)", async (_what, size) => {
    await expect(unpack(archive(header({ name: "f", size })))).rejects.toMatchObject(corrupt("corrupt tar"));
  });

  it.each([
    ["2⁵³", base256(2n ** 53n)],
    ["2⁸⁸", base256(2n ** 88n)],
  ])("a binary size of %s, which a double cannot hold", async (_what, size) => {
    await expect(unpack(archive(header({ name: "f", size })))).rejects.toMatchObject(
      corrupt("size is not a number"),
    );
  });

  it("a size that is no number", async () => {
    const entry = header({ name: "f" });
    entry.write("12x45678901\0", 124, "latin1");
    await expect(unpack(archive(withChecksum(entry)))).rejects.toMatchObject(corrupt("size is not a number"));
  });

  it.each(["-5", "1e3", "0x10", " 5", "5 ", "5.5", "99999999999999999", "NaN"])(
    "a pax size of %j (node-tar e02a4e9)",
    async (size) => {
      await expect(unpack(archive(pax({ size }), file("f")))).rejects.toMatchObject(corrupt("pax size"));
    },
  );

  it("a pax size decides how long the data is, for every reader alike (tokio-tar's desynchronisation)", async () => {
    // By the header's size of 0 the data would be read as the next entry.
    const hidden = file("hidden", "owned");
    const { tree } = await unpack(
      archive(pax({ size: String(hidden.length) }), header({ name: "cover", size: 0 }), body(hidden)),
    );
    expect(Object.keys(tree)).toEqual(["cover"]);
  });

  it("a pax size does not apply to a GNU long name in between (node-tar 21a8220)", async () => {
    const { tree } = await unpack(
      archive(pax({ size: "4" }), gnuLong("L", "long"), file("short", "four", { size: 0 })),
    );
    expect(tree).toEqual({ long: 'file 644 @1700000000 "four"' });
  });

  it.each(["1", "2", "3", "4", "5", "6"])("type %s has no data, whatever its size says", async (type) => {
    const { tree } = await unpack(
      archive(file("t"), header({ name: "x", type, size: 512, linkName: "t" }), file("seen")),
    );
    expect(Object.keys(tree)).toContain("seen");
  });

  it("a file that is a directory by its slash may not have data, for readers disagree on whether it follows", async () => {
    await expect(unpack(archive(file("d/", "x")))).rejects.toMatchObject(
      corrupt("directory with 1 bytes of data"),
    );
  });

  it("a file longer than the disk is refused before a byte of it is written", async () => {
    const size = base256(2n ** 52n);
    await expect(unpack(archive(header({ name: "f", size })))).rejects.toMatchObject({ code: "disk.full" });
  });
});

describe("extended headers that lie", () => {
  it.each([
    ["no length", "path=x\n"],
    ["a length that is too long", "99 path=x\n"],
    ["a length that is too short", "8 path=xyz\n"],
    ["a length of zero", "0 path=x\n"],
    ["a length with a sign", "+10 path=x\n"],
    ["no equals sign", "8 pathx\n"],
    ["no key", "5 =x\n"],
    ["no newline", "10 path=xy"],
    ["NULs behind the last record", "10 path=x\n\0\0\0"],
  ])("a pax record with %s", async (_what, text) => {
    const record = Buffer.concat([header({ name: "x", type: "x", size: text.length }), body(text)]);
    await expect(unpack(archive(record, file("f")))).rejects.toMatchObject(corrupt("pax"));
  });

  it("a pax header of two gigabytes (GHSA-23hp-3jrh-7fpw)", async () => {
    const record = header({ name: "x", type: "x", size: 2 ** 31 });
    await expect(unpack(archive(record))).rejects.toMatchObject(
      corrupt("extended header of 2147483648 bytes"),
    );
  });

  it("an extended header with nothing behind it", async () => {
    await expect(unpack(archive(pax({ path: "f" })))).rejects.toMatchObject(corrupt("without its entry"));
    await expect(unpack(pax({ path: "f" }))).rejects.toMatchObject(corrupt("truncated"));
  });

  it.each(["path", "linkpath", "size", "GNU.sparse.major"])(
    "a global %s would rename or resize every entry behind it, in some readers",
    async (key) => {
      await expect(unpack(archive(pax({ [key]: "1" }, "g"), file("f")))).rejects.toMatchObject({
        code: "archive.unsupported_entry",
      });
    },
  );

  it.each([
    ["old GNU", [header({ name: "f", type: "S", magic: "ustar  \0" })]],
    [
      "pax 1.0",
      [
        pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "f" }),
        file("f", "1\n0\n5\n"),
      ],
    ],
    ["pax 0.1", [pax({ "GNU.sparse.map": "0,5" }), file("f", "12345")]],
  ])("a sparse file (%s) is refused by name, not written as its map", async (_form, parts) => {
    await expect(unpack(archive(...parts))).rejects.toMatchObject({
      code: "archive.unsupported_entry",
      message: "f is stored as a sparse file, which is not supported",
      remedy: expect.stringContaining("--sparse"),
    });
  });

  it("a volume that continues another archive", async () => {
    await expect(unpack(archive(file("f", "rest", { type: "M" })))).rejects.toMatchObject(
      corrupt("continues"),
    );
  });
});

describe("archives that are cut or damaged", () => {
  const whole = archive(
    directory("d"),
    file("d/f", "x".repeat(1000)),
    pax({ path: "g" }),
    file("short", "y"),
  );

  it("every cut is an error: none gives a part that looks whole", async () => {
    const cuts = Array.from({ length: Math.floor(whole.length / 128) - 4 }, (_, at) => at * 128);
    for (const cut of cuts.filter((at) => at <= whole.length - 1024)) {
      await expect(unpack(whole.subarray(0, cut)), `cut at ${cut}`).rejects.toMatchObject(
        corrupt("truncated"),
      );
    }
    expect(cuts.length).toBeGreaterThan(20);
  });

  it("an end that was never marked, as of a tar killed between two entries", async () => {
    await expect(unpack(Buffer.concat([file("f")]))).rejects.toMatchObject(
      corrupt("no end-of-archive marker"),
    );
    await expect(unpack(Buffer.alloc(0))).rejects.toMatchObject(corrupt("no end-of-archive marker"));
  });

  it("one zero block is enough of an end, as for GNU tar and Go", async () => {
    const { tree } = await unpack(Buffer.concat([file("f"), Buffer.alloc(512)]));
    expect(Object.keys(tree)).toEqual(["f"]);
  });

  it("a zero block between entries", async () => {
    await expect(unpack(archive(file("a"), Buffer.alloc(512), file("b")))).rejects.toMatchObject(
      corrupt("lone zero block"),
    );
  });

  it("a flipped bit anywhere in a header", async () => {
    for (let at = 0; at < 512; at += 37) {
      const damaged = Buffer.from(whole);
      damaged[at] = (damaged[at] ?? 0) ^ 0x01;
      await expect(unpack(damaged), `at ${at}`).rejects.toMatchObject(corrupt("checksum"));
    }
  });

  it("text instead of an archive", async () => {
    await expect(unpack(Buffer.from("<html>not found</html>".repeat(100)))).rejects.toMatchObject(
      corrupt("checksum"),
    );
  });
});

describe("limits", () => {
  it.each([
    [{ maxEntries: 2 }, archive(file("a"), directory("b"), file("c")), "maxEntries of 2"],
    [{ maxBytes: 9 }, archive(file("a", "12345"), file("b", "12345")), "maxBytes of 9"],
    [{ maxPathBytes: 20 }, archive(file("n".repeat(21))), "maxPathBytes of 20"],
    [{ maxDepth: 3 }, archive(file("aa/bb/cc/dd/f")), "maxDepth of 3"],
  ])("%j", async (limits, bytes, text) => {
    await expect(unpack(bytes, { limits })).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining(text),
      remedy: expect.stringMatching(/raise SKEIN_UNPACK_MAX_[A-Z_]+ /),
    });
  });

  it("a file that would leave less than minFreeBytes on the volume, before it is begun", async () => {
    const limits = { minFreeBytes: 2 ** 52 };
    await expect(unpack(archive(file("f")), { limits })).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringMatching(/minFreeBytes of 4503599627370496: f has 4 bytes, \d+ are free in /),
      remedy: expect.stringContaining("lower SKEIN_UNPACK_MIN_FREE_BYTES "),
    });
  });

  it("what is exactly at a limit passes", async () => {
    const limits = { maxEntries: 2, maxBytes: 5, maxPathBytes: 9, maxDepth: 4 };
    await unpack(archive(directory("a/b/c/d/e"), file("f", "12345")), { limits });
  });

  it("entries that are skipped count as well", async () => {
    const fifos = Array.from({ length: 5 }, () => header({ name: "p", type: "6" }));
    await expect(unpack(archive(...fifos), { limits: { maxEntries: 4 } })).rejects.toMatchObject({
      code: "archive.limit_exceeded",
    });
  });

  it("a million skipped entries do not make a million reports", async () => {
    const { report } = await unpack(
      archive(...Array.from({ length: 500 }, () => header({ name: "p", type: "6" }))),
    );
    expect(report.skipped).toHaveLength(100);
    expect(report.skippedEntries).toBe(500);
  });
});
