import { spawnSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { archive, endOfArchive, file, header, pax } from "../../../test/hostile/corpus/tar-parts.ts";
import { detectArchive } from "./detect-archive.ts";
import { chunked, collect } from "./testing/streams.ts";

/** Text that does not compress to nothing, the same every time. */
function randomText(length: number): string {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48_271) % 2_147_483_647;
    return String.fromCharCode(97 + (state % 26));
  }).join("");
}

const tar = archive(file("f", "x".repeat(5000)));

describe("detectArchive", () => {
  it.each([
    ["a gzipped tar", gzipSync(tar), "tar.gz"],
    ["one stored without compression", gzipSync(tar, { level: 0 }), "tar.gz"],
    ["one that begins with a pax header", gzipSync(archive(pax({ path: "p" }), file("f"))), "tar.gz"],
    ["one older than POSIX", gzipSync(archive(header({ name: "f", magic: "" }))), "tar.gz"],
    [
      "one whose members are tiny",
      Buffer.concat([gzipSync(tar.subarray(0, 100)), gzipSync(tar.subarray(100))]),
      "tar.gz",
    ],
    ["one whose gzip header has a long name", withName(gzipSync(tar), "n".repeat(5000)), "tar.gz"],
    ["a gzipped tar without entries", gzipSync(endOfArchive()), "plain"],
    ["a tar that is not compressed", tar, "plain"],
    ["gzipped text", gzipSync("just text\n".repeat(10_000)), "plain"],
    ["gzipped text shorter than a header", gzipSync("short"), "plain"],
    ["gzip of nothing", gzipSync(""), "plain"],
    ["a zip", Buffer.from("PK\x03\x04 and so on"), "plain"],
    ["zstd", Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), "plain"],
    ["text", Buffer.from("hello"), "plain"],
    ["one byte of gzip", Buffer.from([0x1f]), "plain"],
    [
      "gzip that is damaged at once",
      Buffer.concat([gzipSync(tar).subarray(0, 12), Buffer.alloc(3000, 0xff)]),
      "plain",
    ],
    ["nothing", Buffer.alloc(0), "plain"],
  ])("calls %s what it is, and gives the bytes back unchanged", async (_what, bytes, kind) => {
    for (const chunkBytes of [1, 333, 100_000]) {
      const detected = await detectArchive(chunked(bytes, chunkBytes));
      expect(detected.kind).toBe(kind);
      expect((await collect(detected.source)).equals(bytes)).toBe(true);
    }
  });

  it.each([
    [
      "a checksum that does not fit",
      (tgz: Buffer) => tgz.fill(tgz.readUInt8(tgz.length - 6) ^ 1, tgz.length - 6, tgz.length - 5),
    ],
    ["damage behind the first header", (tgz: Buffer) => tgz.fill(0xff, tgz.length - 40, tgz.length - 8)],
    ["something behind its end", (tgz: Buffer) => Buffer.concat([tgz, Buffer.from("more")])],
    ["its end missing", (tgz: Buffer) => tgz.subarray(0, -9)],
  ])("knows a small archive with %s, so that unpacking it fails", async (_what, damage) => {
    const tgz = damage(gzipSync(archive(file("a", randomText(300)), file("b", randomText(300)))));
    expect(tgz.length).toBeLessThan(1024);
    const detected = await detectArchive(chunked(tgz, 100_000));
    expect(detected.kind).toBe("tar.gz");
  });

  it("does not read a huge gzip that is no tar (AW#2140)", async () => {
    const member = gzipSync(Buffer.alloc(1_000_000, "text"));
    let givenBytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        givenBytes += member.length;
        yield member;
      }
    }
    expect((await detectArchive(endless())).kind).toBe("plain");
    expect(givenBytes).toBeLessThan(10_000);
  });

  it("gives up on a gzip header that does not end", async () => {
    let givenBytes = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      yield Buffer.from([0x1f, 0x8b, 8, 0x08, 0, 0, 0, 0, 0, 255]);
      for (; givenBytes < 10_000_000; givenBytes += 10_000) yield Buffer.alloc(10_000, "n");
    }
    expect((await detectArchive(endless())).kind).toBe("plain");
    expect(givenBytes).toBeLessThan(100_000);
  });

  it("does not decompress a bomb to look at its first block", async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    const before = process.memoryUsage().arrayBuffers;
    expect((await detectArchive(chunked(bomb))).kind).toBe("plain");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  it("lets go of the source when nobody reads on", async () => {
    let released = false;
    async function* source(): AsyncGenerator<Uint8Array> {
      try {
        for (;;) yield gzipSync(tar);
      } finally {
        released = true;
      }
    }
    const detected = await detectArchive(source());
    for await (const _chunk of detected.source) break;
    expect(released).toBe(true);
  });

  it("knows what GNU tar writes", async () => {
    const made = spawnSync("tar", ["czf", "-", "-C", import.meta.dirname, "testing"]);
    expect((await detectArchive(chunked(made.stdout))).kind).toBe("tar.gz");
  });
});

/** The same gzip with a file name in its header. */
function withName(gzipped: Buffer, name: string): Buffer {
  const head = Buffer.from(gzipped.subarray(0, 10));
  head[3] = 0x08;
  return Buffer.concat([head, Buffer.from(`${name}\0`), gzipped.subarray(10)]);
}
