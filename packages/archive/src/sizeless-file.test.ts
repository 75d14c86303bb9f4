import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import type { FileMoved } from "./extract-report.ts";
import { extractZip } from "./extract-zip.ts";
import { packTar } from "./pack-tar.ts";
import { packZip } from "./pack-zip.ts";
import { SizelessFile } from "./sizeless-file.ts";
import { collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";

/** Says that it is empty, holds a line, and says the same all the time. */
const SMALL = "/proc/sys/kernel/ostype";
/** Megabytes, on every kernel with its symbols. */
const LARGE = "/proc/kallsyms";

const linesOf = (bytes: Buffer): number => bytes.toString("latin1").split("\n").length;

describe("a file that says it is empty and is not", () => {
  it("is in a tar and in a zip with what it holds", async () => {
    using at = temporaryDirectory();
    expect(statSync(SMALL).size).toBe(0);
    const moved: FileMoved[] = [];
    const onFile = (file: FileMoved): void => void moved.push(file);
    const text = readFileSync(SMALL, "utf8");
    const { tree } = await unpack(await collect(packTar(SMALL, { onFile })));
    expect(tree.ostype).toContain(JSON.stringify(text));
    writeFileSync(at.join("z.zip"), await collect(packZip(SMALL, { onFile })));
    await extractZip(at.join("z.zip"), { into: at.join("into") });
    expect(readFileSync(at.join("into/ostype"), "utf8")).toBe(text);
    expect(moved.map(({ sizeBytes }) => sizeBytes)).toEqual([text.length, text.length]);
  });

  it("is whole, however long it is", async (context) => {
    if (linesOf(readFileSync(LARGE)) < 10_000) context.skip(`${LARGE} is too short here`);
    using at = temporaryDirectory();
    const lines = linesOf(readFileSync(LARGE));
    const { report } = await unpack(await collect(packTar(LARGE)));
    expect(report.unpackedBytes).toBeGreaterThan(256 * 1024);
    writeFileSync(at.join("z.zip"), await collect(packZip(LARGE)));
    await extractZip(at.join("z.zip"), { into: at.join("into") });
    const loadedModules = 1000; // may come and go, each with its lines
    expect(Math.abs(linesOf(readFileSync(at.join("into/kallsyms"))) - lines)).toBeLessThan(loadedModules);
  });

  it("and holds more than a tar may keep in memory is an error that names it and the way out", async () => {
    // Eight bytes for each page of the address space.
    await expect(collect(packTar("/proc/self/pagemap"))).rejects.toMatchObject({
      code: "archive.unsupported_entry",
      message: expect.stringMatching(
        /^\/proc\/\d+\/pagemap does not say how large it is, and holds more than the 8388608 bytes /,
      ),
      remedy: expect.stringContaining("archive: {none: {}}"),
    });
  });
});

describe("a file that is empty when it is listed and is not when it is read", () => {
  it("is an error that names it, as any that changes", () => {
    using at = temporaryDirectory();
    writeFileSync(at.join("log"), "a line");
    const fd = openSync(at.join("log"), "r");
    try {
      expect(() => new SizelessFile(fd, at.join("log"))).toThrow(
        expect.objectContaining({
          code: "archive.source_changed",
          message: `${at.join("log")} changed its size from 0 to 6 bytes while it was being saved`,
        }),
      );
    } finally {
      closeSync(fd);
    }
  });
});
