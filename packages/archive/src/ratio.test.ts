import { truncateSync, writeFileSync } from "node:fs";
import { Readable } from "node:stream";
import { createGzip } from "node:zlib";
import { describe, expect, it } from "vitest";
import { archive, file, pax } from "../../../test/hostile/corpus/tar-parts.ts";
import { gunzip } from "./gunzip.ts";
import { gzip } from "./gzip.ts";
import { packTar } from "./pack-tar.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";
import { DEFAULT_UNPACK_LIMITS, RATIO_FREE_BYTES } from "./unpack-limits.ts";

const ZEROS_BYTES = RATIO_FREE_BYTES + 100 * 1024 ** 2;

/** Nothing but zeros, more than is free of any ratio. A hole, which takes no space. */
async function* zeroTar(path: string): AsyncGenerator<Uint8Array> {
  writeFileSync(path, "");
  truncateSync(path, ZEROS_BYTES);
  yield* packTar(path);
}

describe("a file of nothing but zeros beyond the free gigabyte", () => {
  it.each([
    ["Skein", (tar: AsyncIterable<Uint8Array>) => gzip(tar)],
    [
      "zlib at its best",
      (tar: AsyncIterable<Uint8Array>) => Readable.from(tar).compose(createGzip({ level: 9 })),
    ],
  ])("is no bomb, when %s has packed it", { timeout: 120_000 }, async (_packer, pack) => {
    using at = temporaryDirectory();
    let packedBytes = 0;
    async function* counted(): AsyncGenerator<Uint8Array> {
      for await (const chunk of pack(zeroTar(at.join("image")))) {
        packedBytes += chunk.length;
        yield chunk;
      }
    }
    let unpackedBytes = 0;
    for await (const chunk of gunzip(counted())) unpackedBytes += chunk.length;
    expect(unpackedBytes).toBeGreaterThan(ZEROS_BYTES);
    expect(unpackedBytes / packedBytes).toBeGreaterThan(900);
    expect(unpackedBytes / packedBytes).toBeLessThan(DEFAULT_UNPACK_LIMITS.maxRatio);
  });

  it("is refused before its first byte where the volume has no room for it", async () => {
    const tar = archive(pax({ size: String(2 ** 52) }), file("image"));
    await expect(unpack(tar)).rejects.toMatchObject({
      code: "disk.full",
      message: expect.stringMatching(
        /^the volume is too small: image has 4503599627370496 bytes, \d+ are free in /,
      ),
    });
  });
});
