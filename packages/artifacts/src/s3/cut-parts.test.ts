import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cutParts, MAX_PARTS, MIN_PART_BYTES, type Part, partSize } from "./cut-parts.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const TIB = 1024 ** 4;

async function* chunksOf(sizes: number[]): AsyncGenerator<Uint8Array> {
  let next = 0;
  for (const size of sizes) yield Uint8Array.from({ length: size }, () => next++ % 251);
}

async function cut(sizes: number[], partBytes: number): Promise<Part[]> {
  const parts: Part[] = [];
  const source = cutParts(
    chunksOf(sizes)[Symbol.asyncIterator](),
    () => partBytes,
    async (bytes) => new Uint8Array(bytes),
  );
  for await (const part of source) parts.push(part);
  return parts;
}

describe("cutParts", () => {
  it("makes one empty part of nothing", async () => {
    expect(await cut([], 10)).toEqual([{ number: 1, body: new Uint8Array(), last: true }]);
  });

  it("knows that a part which is exactly full is the last", async () => {
    const parts = await cut([4, 6, 0], 10);
    expect(parts.map(({ number, body, last }) => [number, body.byteLength, last])).toEqual([[1, 10, true]]);
  });

  it("gives back the same bytes in parts of the right size, whatever the chunks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 20 }),
        fc.integer({ min: 1, max: 30 }),
        async (sizes, partBytes) => {
          const parts = await cut(sizes, partBytes);
          const wanted: Uint8Array[] = [];
          for await (const chunk of chunksOf(sizes)) wanted.push(chunk);
          expect(Buffer.concat(parts.map((part) => part.body))).toEqual(Buffer.concat(wanted));
          expect(parts.map((part) => part.number)).toEqual(parts.map((_, index) => index + 1));
          expect(parts.map((part) => part.last)).toEqual(parts.map((_, index) => index === parts.length - 1));
          for (const part of parts.slice(0, -1)) expect(part.body.byteLength).toBe(partBytes);
        },
      ),
    );
  });
});

describe("partSize", () => {
  it.each([5, 8, 64])(
    "lets 5 TiB of unknown length fit into the parts a store allows, from %i MiB",
    (first) => {
      let total = 0;
      for (let number = 1; number <= MAX_PARTS; number++) {
        expect(partSize(number, first * MIB)).toBeLessThanOrEqual(5 * GIB);
        total += partSize(number, first * MIB);
      }
      expect(total).toBeGreaterThanOrEqual(5 * TIB);
    },
  );

  it("grows late, so that what is usually saved needs no more memory than its beginning", () => {
    expect(partSize(4000, 8 * MIB)).toBe(8 * MIB);
    expect(partSize(4001, 8 * MIB)).toBe(16 * MIB);
    expect(partSize(4600, 8 * MIB)).toBe(16 * MIB);
    expect(partSize(4601, 8 * MIB)).toBe(32 * MIB);
  });

  it("keeps one size for a known length, as small as fits", () => {
    expect(partSize(1, 8 * MIB, 100 * MIB)).toBe(8 * MIB);
    expect(partSize(9999, 8 * MIB, 5 * TIB)).toBe(525 * MIB);
    expect(525 * MIB * MAX_PARTS).toBeGreaterThanOrEqual(5 * TIB);
    expect(MIN_PART_BYTES).toBe(5 * MIB);
  });
});
