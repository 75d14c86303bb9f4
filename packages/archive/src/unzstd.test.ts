import { constants, zstdCompressSync } from "node:zlib";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { skipWithout } from "./testing/has-program.ts";
import { run } from "./testing/run.ts";
import { chunked, collect } from "./testing/streams.ts";
import { RATIO_FREE_BYTES } from "./unpack-limits.ts";
import { unzstd } from "./unzstd.ts";

const checked = { params: { [constants.ZSTD_c_checksumFlag]: 1 } };
const one = zstdCompressSync("one ".repeat(1000), checked);
const two = zstdCompressSync("two ".repeat(1000));
const both = "one ".repeat(1000) + "two ".repeat(1000);
/** Of pzstd and of seekable files. */
const skippable = Buffer.from([0x5e, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);

function text(bytes: Uint8Array, chunkBytes?: number): Promise<string> {
  return collect(unzstd(chunked(bytes, chunkBytes))).then(String);
}

const corrupt = { name: "ArtifactError", code: "archive.corrupt" };

describe("unzstd", () => {
  it("joins frames, wherever the chunks are cut (nodejs/node#64741 loses all but the first)", async () => {
    const frames = Buffer.concat([skippable, one, skippable, two, skippable]);
    expect(await text(frames)).toBe(both);
    for (let chunkBytes = 1; chunkBytes <= frames.length; chunkBytes++) {
      expect(await text(frames, chunkBytes), `chunks of ${chunkBytes}`).toBe(both);
    }
  });

  it("gives what was compressed, whatever the level, the flags and the number of frames", async () => {
    const part = fc.record({
      data: fc.oneof(
        fc.uint8Array({ maxLength: 3000 }),
        fc.constantFrom(128 * 1024, 256 * 1024, 300_000).map((length) => new Uint8Array(length).fill(7)),
      ),
      level: fc.integer({ min: -5, max: 19 }),
      checksum: fc.integer({ min: 0, max: 1 }),
      contentSize: fc.integer({ min: 0, max: 1 }),
    });
    const property = fc.asyncProperty(
      fc.array(part, { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 1, max: 70_000 }),
      async (parts, chunkBytes) => {
        const frames = parts.map(({ data, level, checksum, contentSize }) =>
          zstdCompressSync(data, {
            params: {
              [constants.ZSTD_c_compressionLevel]: level,
              [constants.ZSTD_c_checksumFlag]: checksum,
              [constants.ZSTD_c_contentSizeFlag]: contentSize,
            },
          }),
        );
        const wanted = Buffer.concat(parts.map(({ data }) => data));
        const given = await collect(unzstd(chunked(Buffer.concat(frames), chunkBytes)));
        expect(given.equals(wanted)).toBe(true);
      },
    );
    await fc.assert(property, { numRuns: 60 });
  });

  it("refuses every truncation but the one between two frames, which nothing can tell", async () => {
    const frames = Buffer.concat([one, two]);
    for (let cut = 0; cut < frames.length; cut++) {
      const result = text(frames.subarray(0, cut));
      if (cut === one.length) expect(await result).toBe("one ".repeat(1000));
      else {
        await expect(result, `cut at ${cut}`).rejects.toMatchObject({
          ...corrupt,
          message: expect.stringContaining("truncated zstd data"),
        });
      }
    }
  });

  it.each([1, 7, 100_000])("refuses anything behind the end, in chunks of %i bytes", async (chunkBytes) => {
    for (const tail of [Buffer.from("tail"), Buffer.alloc(512), Buffer.from([0x1f, 0x8b, 8, 0])]) {
      await expect(text(Buffer.concat([one, tail]), chunkBytes)).rejects.toMatchObject({
        ...corrupt,
        message: expect.stringContaining("something other than a frame stands behind the end"),
      });
    }
  });

  it("refuses a flipped byte wherever it is, because the checksum covers all of it", async () => {
    for (let at = 0; at < one.length; at++) {
      const damaged = Buffer.from(one);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      await expect(text(damaged), `at ${at}`).rejects.toMatchObject({ name: "ArtifactError" });
    }
  });

  it("refuses what is no zstd", async () => {
    await expect(text(Buffer.from("<html>not found</html>"))).rejects.toMatchObject({
      ...corrupt,
      message: expect.stringContaining("does not begin with a frame"),
    });
  });

  it("refuses a window that would take more memory than an archive may, and says how to pack", async () => {
    // A frame that says nothing but: window 2^31, content unknown.
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0x00, 0x00]);
    await expect(text(frame)).rejects.toMatchObject({
      code: "archive.unsupported_entry",
      message: expect.stringContaining("128 MiB"),
      remedy: expect.stringContaining("--long"),
    });
  });

  it("refuses what needs a dictionary by saying so", async () => {
    const frame = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x01, 0x00, 0x2a, 0x01, 0x00, 0x00]);
    await expect(text(frame)).rejects.toMatchObject({
      code: "archive.unsupported_entry",
      message: expect.stringContaining("dictionary"),
    });
  });

  it("stops a bomb at the ratio: zstd has no 1,032 of its own", async () => {
    const block = zstdCompressSync(Buffer.alloc(64 * 1024 ** 2));
    const bomb = Buffer.concat(Array.from({ length: 20 }, () => block));
    let unpackedBytes = 0;
    const reading = (async () => {
      for await (const chunk of unzstd(chunked(bomb, 1000))) unpackedBytes += chunk.length;
    })();
    await expect(reading).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("maxRatio"),
    });
    expect(unpackedBytes).toBeLessThanOrEqual(RATIO_FREE_BYTES);
  });

  it("passes on what the source throws", async () => {
    const broken = (async function* () {
      yield one.subarray(0, 10);
      throw new Error("connection reset");
    })();
    await expect(collect(unzstd(broken))).rejects.toThrow("connection reset");
  });
});

describe("the zstd program", () => {
  beforeEach(skipWithout("zstd"));

  it.for([["-1"], ["-19"], ["-T2"], ["--long=27"], ["--no-check"], ["--ultra", "-22"]])(
    "writes with %s what is read here",
    async (options) => {
      const bytes = Buffer.concat(
        Array.from({ length: 40 }, (_, at) => Buffer.alloc(100_000, `line ${at % 7} `)),
      );
      const packed = run("zstd", ["-q", "-c", ...options], bytes);
      expect((await collect(unzstd(chunked(packed, 10_000)))).equals(bytes)).toBe(true);
    },
  );
});
