import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { decompressTar } from "./decompress-tar.ts";
import { extractTar } from "./extract-tar.ts";
import { gunzip } from "./gunzip.ts";
import { gzip } from "./gzip.ts";
import { packTar } from "./pack-tar.ts";
import { releaseMemory, releaseRead } from "./release-memory.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

describe("releaseMemory", () => {
  it("empties a chunk whose buffer is its own", () => {
    const chunk = Buffer.allocUnsafeSlow(256 * 1024);
    releaseMemory(chunk);
    expect(chunk.byteLength).toBe(0);
  });

  it("leaves alone what Node.js shares among small buffers", () => {
    const [one, other] = [Buffer.from("one"), Buffer.from("other")];
    releaseMemory(one);
    expect([one.toString(), other.toString()]).toEqual(["one", "other"]);
  });
});

describe("releaseRead", () => {
  it("keeps a buffer until the view that reaches its end has been read", () => {
    const whole = Buffer.alloc(256 * 1024, 1);
    const [first, last] = [whole.subarray(0, 1000), whole.subarray(1000)];
    releaseRead(first);
    expect(first.byteLength).toBe(1000);
    releaseRead(last);
    expect([first.byteLength, last.byteLength, whole.byteLength]).toEqual([0, 0, 0]);
  });
});

describe("an archive whose chunks are released as it passes", () => {
  it("comes out as it went in, whatever the chunks are cut into", async () => {
    using directory = temporaryDirectory();
    const content = Buffer.concat([
      randomBytes(1_500_000),
      Buffer.alloc(3_000_000, "text "),
      randomBytes(700),
    ]);
    const path = join(directory.path, "content");
    await writeFile(path, content);
    const packed = gzip(packTar(path), { releases: true });
    const copied: Buffer[] = [];
    for await (const chunk of packed) copied.push(Buffer.from(chunk));
    const archive = Buffer.concat(copied);
    for (const cut of [9973, 65_536, archive.length]) {
      const into = join(directory.path, `out-${cut}`);
      const tar = decompressTar(piecesOf(archive, cut), { ownsSource: true });
      await extractTar(tar, { into, ownsSource: true });
      expect((await readFile(join(into, "content"))).equals(content)).toBe(true);
    }
    expect(archive.byteLength).toBeGreaterThan(0);
  });
});

describe("gzip that comes in buffers of several chunks", () => {
  it("keeps a buffer while zlib is at its first chunk, though the last has been copied", async () => {
    const content = Buffer.from(randomBytes(4_000_000).toString("hex")); // of each chunk zlib makes more than one
    const packed = gzipSync(content);
    async function* source(): AsyncGenerator<Buffer> {
      for (let at = 0; at < packed.length; at += 800_000) {
        const part = packed.subarray(at, at + 800_000);
        const buffer = Buffer.from(new Uint8Array(part).buffer); // of its own
        yield buffer.subarray(0, buffer.length / 2);
        yield buffer.subarray(buffer.length / 2);
      }
    }
    const unpacked: Buffer[] = [];
    for await (const chunk of gunzip(source(), { ownsSource: true })) unpacked.push(Buffer.from(chunk));
    expect(Buffer.concat(unpacked).equals(content)).toBe(true);
  });
});

/** Views of a copy, in order, as a connection that reads into one large buffer gives them. */
async function* piecesOf(bytes: Buffer, cut: number): AsyncGenerator<Buffer> {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  bytes.copy(copy);
  const length = copy.length; // none once the last piece has been taken
  for (let at = 0; at < length; at += cut) yield copy.subarray(at, Math.min(at + cut, length));
}
