import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gunzip } from "./gunzip.ts";
import { chunked, collect } from "./testing/streams.ts";
import { RATIO_FREE_BYTES } from "./unpack-limits.ts";

const one = gzipSync("one ".repeat(1000));
const two = gzipSync("two ".repeat(1000));

function text(bytes: Uint8Array, chunkBytes?: number): Promise<string> {
  return collect(gunzip(chunked(bytes, chunkBytes))).then(String);
}

describe("gunzip", () => {
  it("joins the members of a concatenation, wherever the chunks are cut", async () => {
    const both = Buffer.concat([one, two]);
    for (let chunkBytes = 1; chunkBytes <= both.length; chunkBytes += 3) {
      expect(await text(both, chunkBytes)).toBe("one ".repeat(1000) + "two ".repeat(1000));
    }
  });

  it.each([1, 100, 700, 100_000])(
    "takes zeros behind the end for padding, in chunks of %i bytes",
    async (chunkBytes) => {
      expect(await text(Buffer.concat([one, Buffer.alloc(650)]), chunkBytes)).toBe("one ".repeat(1000));
    },
  );

  it.each([1, 64, 100_000])(
    "refuses anything else behind the end, in chunks of %i bytes",
    async (chunkBytes) => {
      const zeros = Buffer.alloc(64);
      for (const tail of [
        [Buffer.from("tail")],
        [zeros, Buffer.from("tail")],
        [zeros, two],
        [zeros, Buffer.from([1])],
      ]) {
        await expect(text(Buffer.concat([one, ...tail]), chunkBytes)).rejects.toMatchObject({
          code: "archive.corrupt",
        });
      }
    },
  );

  it("refuses every truncation but the one between two members, which nothing can tell", async () => {
    const both = Buffer.concat([one, two]);
    for (let cut = 0; cut < both.length; cut++) {
      const result = text(both.subarray(0, cut));
      if (cut === one.length) expect(await result).toBe("one ".repeat(1000));
      else await expect(result, `cut at ${cut}`).rejects.toMatchObject({ code: "archive.corrupt" });
    }
  });

  it("refuses a flipped byte in header, checksum and length, and never gives wrong data for one elsewhere", async () => {
    for (let at = 0; at < one.length; at++) {
      const damaged = Buffer.from(one);
      damaged[at] = (damaged[at] ?? 0) ^ 0xff;
      // Time, extra flags and operating system say nothing about the data.
      const result = await text(damaged).catch((error: unknown) => (error as { code: string }).code);
      if (at >= 4 && at < 10) expect(result).toBe("one ".repeat(1000));
      else expect(result, `at ${at}`).toBe("archive.corrupt");
    }
  });

  it("decompresses more than it is allowed to hold", async () => {
    const bytes = Buffer.alloc(20 * 1024 ** 2, "0123456789");
    let unpackedBytes = 0;
    for await (const chunk of gunzip(chunked(gzipSync(bytes), 1000))) unpackedBytes += chunk.length;
    expect(unpackedBytes).toBe(bytes.length);
  });

  it("is busy only while zlib has something to do", async () => {
    const events: string[] = [];
    const ranDry = Promise.withResolvers<void>();
    const meter = {
      enter: (stage: string) => events.push(`+${stage}`),
      leave: (stage: string) => {
        events.push(`-${stage}`);
        ranDry.resolve();
      },
    };
    async function* slow(): AsyncGenerator<Uint8Array> {
      yield one.subarray(0, 20);
      await ranDry.promise;
      events.push("idle");
      yield one.subarray(20);
    }
    await collect(gunzip(slow(), { meter }));
    const idle = events.indexOf("idle");
    expect(events.slice(0, idle)).toEqual(["+decompress", "-decompress"]);
    expect(events.slice(idle + 1)).toEqual(["+decompress", "-decompress"]);
  });

  it("is not busy while it reads padding to its end", async () => {
    let busy = 0;
    const meter = { enter: () => busy++, leave: () => busy-- };
    const zeros = Buffer.alloc(99);
    async function* padded(): AsyncGenerator<Uint8Array> {
      yield Buffer.concat([one, zeros]);
      yield zeros;
      for (let turn = 0; turn < 1000 && busy > 0; turn++)
        await new Promise((resolve) => setImmediate(resolve));
      expect(busy).toBe(0);
      yield zeros;
    }
    expect((await collect(gunzip(padded(), { meter }))).length).toBe(4000);
  });

  it("leaves no stage behind after zeros that zlib did not want, nor after an error", async () => {
    for (const bytes of [Buffer.concat([one, Buffer.alloc(99)]), one.subarray(0, 40)]) {
      let busy = 0;
      const meter = { enter: () => busy++, leave: () => busy-- };
      await collect(gunzip(chunked(bytes, 7), { meter })).catch(() => undefined);
      expect(busy).toBe(0);
    }
  });

  it("passes the source's own error on", async () => {
    const broken = new Error("connection reset");
    async function* failing(): AsyncGenerator<Uint8Array> {
      yield one.subarray(0, 30);
      throw broken;
    }
    await expect(collect(gunzip(failing()))).rejects.toBe(broken);
  });

  it("lets go of the source when nobody wants more", async () => {
    let released = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield one;
      } finally {
        released = true;
      }
    }
    for await (const chunk of gunzip(source())) if (chunk.length > 0) break;
    await new Promise((resolve) => setImmediate(resolve));
    expect(released).toBe(true);
  });
});

describe("gzip bombs", () => {
  it("are refused by their ratio where the operator has lowered the limit", async () => {
    const member = gzipSync(Buffer.alloc(64 * 1024 ** 2));
    async function* bomb(): AsyncGenerator<Uint8Array> {
      for (;;) yield member;
    }
    let unpackedBytes = 0;
    const drain = async (): Promise<void> => {
      for await (const chunk of gunzip(bomb(), { limits: { maxRatio: 1000 } })) unpackedBytes += chunk.length;
    };
    await expect(drain()).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringMatching(
        /^artifact exceeds the limit maxRatio of 1000: \d+ packed bytes gave \d+ bytes$/,
      ),
      remedy: expect.stringContaining("SKEIN_UNPACK_MAX_RATIO"),
    });
    expect(unpackedBytes).toBeLessThan(RATIO_FREE_BYTES + 1024 ** 2);
  });
});
