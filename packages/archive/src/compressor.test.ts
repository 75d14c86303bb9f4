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

  it("ends a piece whose result begins in the last bytes of one buffer and ends in the third", async () => {
    const compressor = new Compressor({ ends: "sync", chunkBytes: MAX_BYTES });
    const plain: Buffer[] = [];
    const made: Buffer[] = [];
    const cuts: number[] = [];
    for (const bytes of [MAX_BYTES - 190, MAX_BYTES, MAX_BYTES]) {
      const piece = randomBytes(bytes);
      plain.push(piece);
      const pieces = await compressor.deflate(piece);
      cuts.push(pieces.length);
      made.push(...pieces);
    }
    expect(cuts[1]).toBe(3);
    const whole = Buffer.concat([...made, Buffer.from([0x03, 0x00])]);
    expect(inflateRawSync(whole).equals(Buffer.concat(plain))).toBe(true);
    compressor.close();
  }, 20_000);

  it("that is closed while it is at work says so, and does not bring the process down", async () => {
    const compressor = new Compressor({ ends: "finish", chunkBytes: 64 * 1024 });
    const pieces = [compressor.deflate(randomBytes(MAX_BYTES)), compressor.deflate(randomBytes(MAX_BYTES))];
    await Promise.resolve(); // the first has begun
    compressor.close();
    const outcomes = await Promise.allSettled(pieces);
    expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });
});
