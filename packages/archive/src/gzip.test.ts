import { spawnSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gzip } from "./gzip.ts";
import { chunked, collect } from "./testing/streams.ts";

const text = Buffer.from("All work and no play makes Jack a dull boy.\n".repeat(60_000)); // five blocks

describe("gzip", () => {
  it.each([-2, -1, 0, 1, 6, 9, undefined])("gives at level %s what every gunzip reads", async (level) => {
    const packed = await collect(gzip(chunked(text, 10_000), { level }));
    expect(gunzipSync(packed).equals(text)).toBe(true);
    expect(spawnSync("gzip", ["-dc"], { input: packed, maxBuffer: 2 ** 26 }).stdout.equals(text)).toBe(true);
    if (level === 0) expect(packed.length).toBeGreaterThan(text.length);
    else expect(packed.length).toBeLessThan(text.length * 0.6);
  });

  it("writes Go's header: no name, no time, operating system 255 (contract §13.2)", async () => {
    const packed = await collect(gzip(chunked(text)));
    expect(packed.subarray(0, 10)).toEqual(Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255]));
  });

  it("gives the same bytes however the input was cut and however many blocks are in flight", async () => {
    const expected = await collect(gzip(chunked(text)));
    for (const [chunkBytes, blocksInFlight] of [
      [777, 1],
      [512 * 1024, 4],
      [1_000_000, 2],
    ] as const) {
      const packed = await collect(gzip(chunked(text, chunkBytes), { blocksInFlight }));
      expect(packed.equals(expected)).toBe(true);
    }
  });

  it("costs next to nothing in size that blocks are compressed apart", async () => {
    const words = Buffer.from(sentences(400_000));
    const apart = await collect(gzip(chunked(words)));
    const whole = spawnSync("gzip", ["-6"], { input: words, maxBuffer: 2 ** 26 }).stdout;
    expect(apart.length).toBeLessThan(whole.length * 1.01);
  });

  it("packs nothing to an empty member", async () => {
    expect(gunzipSync(await collect(gzip(chunked(Buffer.alloc(0)))))).toHaveLength(0);
  });

  it.each([-3, 10, 1.5, Number.NaN])("refuses level %s in Go's words", async (level) => {
    await expect(collect(gzip(chunked(text), { level }))).rejects.toThrow(
      `gzip: invalid compression level: ${level}`,
    );
  });

  it("is busy only while a block is compressed, not while a slow reader has finished ones to take", async () => {
    const events: string[] = [];
    let rested = Promise.withResolvers<void>();
    rested.resolve();
    const meter = {
      enter: () => {
        events.push("busy");
        rested = Promise.withResolvers<void>();
      },
      leave: () => {
        events.push("idle");
        rested.resolve();
      },
    };
    for await (const _chunk of gzip(chunked(text, 512 * 1024), { meter, blocksInFlight: 2 })) {
      await rested.promise; // the slow reader
      expect(events.at(-1) ?? "idle").toBe("idle");
    }
    expect(events.filter((event) => event === "busy").length).toBeGreaterThan(1);
  });

  it("stops compressing when the source fails, and lets go of it when nobody wants more", async () => {
    const broken = new Error("disk on fire");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield text;
      throw broken;
    }
    await expect(collect(gzip(failing()))).rejects.toBe(broken);

    let released = false;
    async function* endless(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield text;
      } finally {
        released = true;
      }
    }
    for await (const chunk of gzip(endless())) if (chunk.length > 100) break;
    expect(released).toBe(true);
  });
});

/** Text of so many words, of a thousand different ones; the same every time. */
function sentences(count: number): string {
  const words: string[] = [];
  let state = 1;
  for (let index = 0; index < count; index++) {
    state = (state * 48271) % 2147483647; // https://en.wikipedia.org/wiki/Lehmer_random_number_generator
    words.push(`w${((state % 1000) ** 2 % 9973).toString(36)}`);
  }
  return words.join(" ");
}
