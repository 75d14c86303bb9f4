import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  archive,
  base256,
  directory,
  endOfArchive,
  file,
  gnuLong,
  hardLink,
  header,
  pax,
  symlink,
  withChecksum,
} from "../../../test/hostile/corpus/tar-parts.ts";
import { extractTar } from "./extract-tar.ts";
import { readTree } from "./testing/read-tree.ts";
import { chunked } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";

describe("extractTar", () => {
  it("makes files, directories, links and hard links, and reports them", async () => {
    const { tree, report } = await unpack(
      archive(
        directory("d/"),
        file("d/f", "text", { mode: 0o640 }),
        symlink("d/l", "f"),
        hardLink("d/h", "d/f"),
      ),
    );
    expect(tree).toEqual({
      d: "dir 755",
      "d/f": 'file 640 @1700000000 "text"',
      "d/h": 'file 640 @1700000000 "text"',
      "d/l": "link -> f",
    });
    expect(report).toEqual({
      files: 1,
      directories: 1,
      symlinks: 1,
      hardlinks: 1,
      unpackedBytes: 4,
      skipped: [],
      skippedEntries: 0,
      topLevel: ["d"],
    });
  });

  it.each([1, 7, 511, 512, 513, 4096])("does not care that chunks have %i bytes", async (chunkBytes) => {
    const bytes = archive(
      pax({ path: "päx".repeat(50) }),
      file("short", "x".repeat(700)),
      gnuLong("L", "long/".repeat(30)),
      directory("short"),
    );
    const whole = await unpack(bytes);
    expect(Object.keys(whole.tree).length).toBeGreaterThan(30);
    expect((await unpack(bytes, { chunkBytes })).tree).toEqual(whole.tree);
  });

  it("takes `./` and `.` for the root, as `tar c .` writes them (contract §22.7)", async () => {
    const { tree, report } = await unpack(
      archive(directory("./"), file("./x"), directory("."), file("./d/../y")),
    );
    expect(Object.keys(tree)).toEqual(["x", "y"]);
    expect(report.topLevel).toEqual(["x", "y"]);
  });

  it("puts absolute names below the root, as upstream's join does", async () => {
    const { tree } = await unpack(archive(file("/etc/passwd"), hardLink("/h", "/etc/passwd")));
    expect(Object.keys(tree)).toEqual(["etc", "etc/passwd", "h"]);
  });

  it("drops set-id and sticky bits", async () => {
    const { tree } = await unpack(archive(file("f", "x", { mode: 0o6755 }), directory("d", 0o3777)));
    expect(tree).toEqual({ d: "dir 777", f: 'file 755 @1700000000 "x"' });
  });

  it("gives directories their mode, but never less than upstream's 0755", async () => {
    const { tree } = await unpack(
      archive(directory("closed", 0o700), directory("shared", 0o775), file("implied/f")),
    );
    expect(tree).toMatchObject({ closed: "dir 755", shared: "dir 775", implied: "dir 755" });
  });

  it("sets modes whatever the umask", async () => {
    const before = process.umask(0o077);
    try {
      const { tree } = await unpack(
        archive(directory("d", 0o777), file("d/f", "x", { mode: 0o666 }), file("i/f")),
      );
      expect(tree).toEqual({
        d: "dir 777",
        "d/f": 'file 666 @1700000000 "x"',
        i: "dir 755",
        "i/f": 'file 644 @1700000000 "data"',
      });
    } finally {
      process.umask(before);
    }
  });

  it("reads names from USTAR's prefix, GNU's long names and pax, the later form winning", async () => {
    const { tree } = await unpack(
      archive(
        file("base", "1", { prefix: "from/prefix" }),
        gnuLong("L", `gnu/${"n".repeat(120)}`),
        file("short", "2", { magic: "ustar  \0" }),
        gnuLong("L", "loses"),
        pax({ path: `pax/${"p".repeat(120)}` }),
        file("short", "3"),
        gnuLong("K", "short"),
        symlink("l", "replaced"),
        pax({ linkpath: "gnu" }),
        symlink("m", "replaced"),
      ),
    );
    const files = Object.keys(tree).filter((name) => !tree[name]?.startsWith("dir"));
    expect(files).toEqual(["from/prefix/base", `gnu/${"n".repeat(120)}`, "l", "m", `pax/${"p".repeat(120)}`]);
    expect(tree).toMatchObject({ l: "link -> short", m: "link -> gnu" });
  });

  it("does not take GNU's other fields for a prefix", async () => {
    const { tree } = await unpack(archive(file("base", "x", { prefix: "14000000000", magic: "ustar  \0" })));
    expect(Object.keys(tree)).toEqual(["base"]);
  });

  it("takes pax size and time, and an empty value as if it were not there", async () => {
    const { tree } = await unpack(
      archive(pax({ size: "4", mtime: "1234567890.75", path: "" }), file("f", "four", { size: 0 })),
    );
    expect(tree).toEqual({ f: 'file 644 @1234567890 "four"' });
  });

  it("reads binary numbers, and times before 1970", async () => {
    const { tree } = await unpack(
      archive(
        header({ name: "f", size: base256(2n), mtime: base256(-86_400n) }),
        Buffer.from("hi".padEnd(512, "\0")),
      ),
    );
    expect(tree).toEqual({ f: 'file 644 @-86400 "hi"' });
  });

  it("reads archives older than POSIX: no magic, NUL for a file, a slash for a directory", async () => {
    const v7 = { magic: "", type: "\0" };
    const { tree } = await unpack(archive(header({ name: "d/", ...v7 }), file("d/f", "x", v7)));
    expect(tree).toEqual({ d: "dir 755", "d/f": 'file 644 @1700000000 "x"' });
  });

  it("accepts checksums that were summed over signed bytes", async () => {
    const entry = header({ name: "na\u00efve", size: 0 });
    const signed = entry.reduce(
      (sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte > 127 ? byte - 256 : byte),
      0,
    );
    entry.write(`${signed.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
    const { tree } = await unpack(archive(entry));
    expect(Object.keys(tree)).toEqual(["na\u00efve"]);
  });

  it("keeps names that are not UTF-8 as the bytes they are", async () => {
    const { tree } = await unpack(archive(file("caf\xe9"), file("caf\xc3\xa9")));
    expect(Object.keys(tree)).toEqual(["caf\xc3\xa9", "caf\xe9"]);
  });

  it("takes contiguous files for files and GNU's dump directories for directories", async () => {
    const { tree } = await unpack(archive(file("c", "x", { type: "7" }), file("d", "Yf\0\0", { type: "D" })));
    expect(tree).toEqual({ c: 'file 644 @1700000000 "x"', d: "dir 755" });
  });

  it("ignores the comment git puts into a global header, and reports any other", async () => {
    const { report } = await unpack(
      archive(pax({ comment: "0123abc" }, "g"), pax({ mtime: "1", uid: "5" }, "g"), file("f")),
    );
    expect(report.skipped).toEqual([{ path: "", reason: "pax global header not applied: mtime, uid" }]);
  });

  it("reports whatever it does not make", async () => {
    const { tree, report } = await unpack(
      archive(
        header({ name: "p", type: "6" }),
        header({ name: "c", type: "3" }),
        file("z", "xx", { type: "Z" }),
        file("f"),
      ),
    );
    expect(Object.keys(tree)).toEqual(["f"]);
    expect(report.skipped).toEqual([
      { path: "p", reason: "a fifo is not made" },
      { path: "c", reason: "a character device is not made" },
      { path: "z", reason: 'unknown entry type "Z"' },
    ]);
    expect(report.skippedEntries).toBe(3);
  });

  it("reports a second archive behind the first, which GNU tar would not show either", async () => {
    const { tree, report } = await unpack(Buffer.concat([archive(file("first")), archive(file("second"))]));
    expect(Object.keys(tree)).toEqual(["first"]);
    expect(report.skipped[0]?.reason).toMatch(/^\d+ bytes stand behind the end of the archive$/);
  });

  it("says nothing about the zeros that fill a tape record", async () => {
    const { report } = await unpack(Buffer.concat([archive(file("f")), Buffer.alloc(10_240)]), {
      chunkBytes: 1000,
    });
    expect(report.skippedEntries).toBe(0);
  });

  it("unpacks an archive without entries to an empty directory", async () => {
    expect((await unpack(endOfArchive())).tree).toEqual({});
  });

  it("follows a file that is replaced: the later one is there whole, without the tail of the earlier", async () => {
    const { tree } = await unpack(
      archive(file("f", "a long first text"), hardLink("h", "f"), file("f", "short")),
    );
    expect(tree).toEqual({
      f: 'file 644 @1700000000 "short"',
      h: 'file 644 @1700000000 "a long first text"',
    });
  });

  it("tells of each file in its order, with size and offset", async () => {
    const files: unknown[] = [];
    await unpack(archive(file("a", "123"), directory("d"), file("d/\xc3\xbc", "45")), {
      onFile: ({ durationMs, ...rest }) => files.push({ ...rest, timed: durationMs >= 0 }),
    });
    expect(files).toEqual([
      { file: "a", sizeBytes: 3, offsetBytes: 0, timed: true },
      { file: "d/ü", sizeBytes: 2, offsetBytes: 3, timed: true },
    ]);
  });

  it("writes big files too, and leaves the disk stage when it waits for the source", async () => {
    const stages: string[] = [];
    const big = "0123456789abcdef".repeat(40_000);
    const { tree, report } = await unpack(archive(file("big", big)), {
      chunkBytes: 100_000,
      meter: { enter: (stage) => stages.push(`+${stage}`), leave: (stage) => stages.push(`-${stage}`) },
    });
    expect(tree.big?.length).toBe(big.length + 'file 644 @1700000000 ""'.length);
    expect(report.unpackedBytes).toBe(640_000);
    expect(new Set(stages)).toEqual(new Set(["+disk", "-disk"]));
    expect(stages.every((stage, at) => stage === (at % 2 === 0 ? "+disk" : "-disk"))).toBe(true);
  });

  it("refuses to unpack into a directory that holds something", async () => {
    using directory = temporaryDirectory();
    mkdirSync(directory.join("into"));
    writeFileSync(directory.join("into", "mine"), "mine");
    await expect(
      extractTar(chunked(archive(file("f"))), { into: directory.join("into") }),
    ).rejects.toMatchObject({
      code: "disk.failed",
      message: expect.stringContaining("it is not empty"),
    });
    expect(Object.keys(readTree(directory.join("into")))).toEqual(["mine"]);
  });

  it("stops between two chunks when told to, with the reason it was given", async () => {
    const reason = new Error("the pod is going away");
    const stop = new AbortController();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield file("f");
      stop.abort(reason);
      yield endOfArchive();
    }
    using directory = temporaryDirectory();
    await expect(extractTar(source(), { into: directory.join("into"), signal: stop.signal })).rejects.toBe(
      reason,
    );
  });

  it("passes the source's own error on, and lets go of the source after one of its own", async () => {
    using directory = temporaryDirectory();
    const broken = new Error("connection reset");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield file("f").subarray(0, 100);
      throw broken;
    }
    await expect(extractTar(failing(), { into: directory.join("a") })).rejects.toBe(broken);

    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield withChecksum(Buffer.alloc(512, "?"));
      } finally {
        released = true;
      }
    }
    await expect(extractTar(endless(), { into: directory.join("b") })).rejects.toMatchObject({
      code: "archive.corrupt",
    });
    expect(released).toBe(true);
  });

  it("leaves no descriptor open, whatever happened", async () => {
    const open = (): number => readdirSync("/proc/self/fd").length;
    const before = open();
    await unpack(archive(file("a/b/c/d"), file("e/f")));
    await expect(unpack(archive(file("a/b/c"), file("../x")))).rejects.toThrow("illegal file path: ../x");
    await expect(unpack(file("a", "x".repeat(600)).subarray(0, 800))).rejects.toThrow("truncated");
    expect(open()).toBe(before);
  });
});
