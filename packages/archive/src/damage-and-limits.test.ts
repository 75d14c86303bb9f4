import { describe, expect, it } from "vitest";
import { archive, directory, file, header, pax } from "../../../test/hostile/corpus/tar-parts.ts";
import { unpack } from "./testing/unpack.ts";

const corrupt = (text: string): object => ({
  code: "archive.corrupt",
  message: expect.stringContaining(text),
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
