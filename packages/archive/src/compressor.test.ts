import { randomBytes } from "node:crypto";
import { inflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { Compressor, MAX_BYTES } from "./compressor.ts";

describe("Compressor", () => {
  it.each([-1, 0, 9])(
    "makes streams that know nothing of each other, of any size, at level %i",
    async (level) => {
      const compressor = new Compressor({ level, ends: "finish", chunkBytes: 64 * 1024 });
      for (const bytes of [0, 1, 70_000, MAX_BYTES, 0, 3]) {
        const plain = randomBytes(bytes);
        expect(inflateRawSync(Buffer.concat(await compressor.deflate(plain)))).toEqual(plain);
      }
      compressor.close();
    },
  );

  it("that is closed while it is at work says so, and does not bring the process down", async () => {
    const compressor = new Compressor({ ends: "finish", chunkBytes: 64 * 1024 });
    const pieces = [compressor.deflate(randomBytes(MAX_BYTES)), compressor.deflate(randomBytes(MAX_BYTES))];
    await Promise.resolve(); // the first has begun
    compressor.close();
    const outcomes = await Promise.allSettled(pieces);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
