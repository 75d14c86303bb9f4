import { gzipSync, zstdCompressSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { archive, file } from "../../../test/hostile/corpus/tar-parts.ts";
import { decompressTar } from "./decompress-tar.ts";
import { extractTar } from "./extract-tar.ts";
import { readTree } from "./testing/read-tree.ts";
import { chunked, collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

const tar = archive(file("f", "text"));
const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 0]);

describe("decompressTar", () => {
  it.each([
    ["gzip", gzipSync(tar)],
    ["gzip in two members", Buffer.concat([gzipSync(tar.subarray(0, 700)), gzipSync(tar.subarray(700))])],
    ["zstd", zstdCompressSync(tar)],
    [
      "zstd behind a frame without data, as pzstd writes it",
      Buffer.concat([skippable, zstdCompressSync(tar)]),
    ],
    ["the tar as it is", tar],
  ])("tells %s by its first bytes, whatever the chunks", async (_what, bytes) => {
    for (const chunkBytes of [1, 3, 511, bytes.length]) {
      using parent = temporaryDirectory();
      const into = parent.join("into");
      await extractTar(decompressTar(chunked(bytes, chunkBytes)), { into });
      expect(readTree(into)).toEqual({ f: 'file 644 @1700000000 "text"' });
    }
  });

  it("takes a tar without entries that is not compressed", async () => {
    expect((await collect(decompressTar(chunked(archive())))).equals(archive())).toBe(true);
  });

  it.each([
    ["text", Buffer.from("<html>not found</html>".repeat(100))],
    ["a short text", Buffer.from("not found")],
    ["nothing", Buffer.alloc(0)],
    ["a gzip header alone", gzipSync(tar).subarray(0, 10)],
    ["a zstd magic alone", zstdCompressSync(tar).subarray(0, 4)],
    ["xz", Buffer.from("fd377a585a000004e6d6b446", "hex")],
  ])("refuses %s", async (_what, bytes) => {
    await expect(collect(decompressTar(chunked(bytes)))).rejects.toMatchObject({ code: "archive.corrupt" });
  });
});
