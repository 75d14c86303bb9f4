import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { gunzip } from "./gunzip.ts";
import { collect } from "./testing/streams.ts";

const one = gzipSync("one ".repeat(1000));
const two = gzipSync("two ".repeat(1000));

/** A moment in which zlib can do what it has been given. */
const BREAK = Symbol("break");

async function* paced(...chunks: (Buffer | typeof BREAK)[]): AsyncGenerator<Buffer> {
  for (const chunk of chunks) {
    if (chunk === BREAK) await delay(50);
    else yield chunk;
  }
}

describe("runDecompressor", () => {
  it.each([1, 2, 3])(
    "never passes over a member that begins a chunk behind %i bytes of padding",
    async (zeros) => {
      const padded = Buffer.concat([one, Buffer.alloc(zeros)]);
      await expect(collect(gunzip(paced(padded, two)))).rejects.toMatchObject({ code: "archive.corrupt" });
      await expect(collect(gunzip(paced(padded, two, BREAK)))).rejects.toMatchObject({
        code: "archive.corrupt",
      });
    },
  );

  it("calls a member behind padding corrupt while the consumer has not taken what came before", async () => {
    const long = gzipSync(randomBytes(3_000_000), { level: 0 });
    const unpacked = gunzip(paced(Buffer.concat([long, Buffer.alloc(1)]), two));
    const slowly = async (): Promise<void> => {
      for await (const _chunk of unpacked) await delay(2);
    };
    await expect(slowly()).rejects.toMatchObject({ code: "archive.corrupt" });
  });

  it("is told by the rest, not by an uncaught error, of garbage that zlib meets when everything has been taken", async () => {
    const padded = Buffer.concat([one, Buffer.alloc(10)]);
    const unpacked = gunzip(paced(padded, Buffer.alloc(1000, "x"), BREAK, Buffer.alloc(10)));
    await expect(collect(unpacked)).rejects.toMatchObject({
      code: "archive.corrupt",
      message: "corrupt gzip data: something other than padding stands behind the end",
    });
  });

  it("leaves no bytes waiting for more when zlib has nothing to do", async () => {
    const plain = randomBytes(1_200_000);
    const packed = gzipSync(plain, { level: 0 });
    const seen = Promise.withResolvers<boolean>();
    let sawAll = false;
    const source = async function* (): AsyncGenerator<Buffer> {
      yield packed.subarray(0, 600_000);
      yield packed.subarray(600_000, -8);
      sawAll = await Promise.race([seen.promise, delay(10_000, false)]);
      yield packed.subarray(-8);
    };
    let bytes = 0;
    for await (const chunk of gunzip(source())) {
      bytes += chunk.length;
      if (bytes === plain.length) seen.resolve(true);
    }
    expect(sawAll).toBe(true);
  });
});
