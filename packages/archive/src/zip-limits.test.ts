import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { stored, type ZipPart, zip } from "../../../test/hostile/corpus/zip-parts.ts";
import { extractZip } from "./extract-zip.ts";
import { readTree, type Tree } from "./testing/read-tree.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import type { UnpackLimits } from "./unpack-limits.ts";

/** Tries to unpack; tells what came of it and what is in the directory afterwards. */
async function attempt(
  parts: ZipPart[],
  limits: Partial<UnpackLimits> = {},
): Promise<{ error: unknown; tree: Tree }> {
  using parent = temporaryDirectory();
  mkdirSync(parent.join("into"));
  writeFileSync(parent.join("a.zip"), zip(parts));
  let error: unknown;
  try {
    await extractZip(parent.join("a.zip"), { into: parent.join("into"), limits });
  } catch (thrown) {
    error = thrown;
  }
  return { error, tree: readTree(parent.join("into")) };
}

const deflated = (name: string, bytes: Buffer): ZipPart => ({
  ...stored(name, bytes),
  data: deflateRawSync(bytes),
  method: 8,
});
const big = deflated("f", Buffer.alloc(1_000_000, "big"));

describe("a zip whose entries lie", () => {
  it("is not written further than its directory says", async () => {
    const { tree } = await attempt([{ ...big, size: 600_000 }]);
    expect(tree.f?.length).toBeLessThan(600_000);
  });

  it("counts entries that share their data each for itself (Fifield's bomb)", async () => {
    const shared = deflated("f0", Buffer.alloc(1024 ** 2));
    const others = Array.from(
      { length: 99 },
      (_, at): ZipPart => ({ ...shared, name: `f${at + 1}`, listedOnly: true, offset: 0 }),
    );
    const { error, tree } = await attempt([shared, ...others], { maxBytes: 3.5 * 1024 ** 2 });
    expect(error).toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("maxBytes"),
    });
    expect(Object.keys(tree)).toEqual(["f0", "f1", "f2"]);
  });

  it("is refused by the ratio before a byte of a size that its data cannot have is written", async () => {
    const { error, tree } = await attempt([{ ...big, size: 3 * 1024 ** 3 }]);
    expect(error).toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("maxRatio"),
    });
    expect(tree).toEqual({});
  });

  it("leaves no descriptor open after a failure", async () => {
    const before = readdirSync("/proc/self/fd").length;
    await attempt([{ ...big, crc: 1 }]);
    expect(readdirSync("/proc/self/fd").length).toBe(before);
  });
});
