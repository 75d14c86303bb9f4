import { execFileSync } from "node:child_process";
import { appendFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { openPath, readExactly } from "./read-exactly.ts";
import { collect, patternedBytes, temporaryDirectory } from "./test-support.ts";

const meter = { enter() {}, leave() {} };

describe("readExactly", () => {
  it.each([0, 1, 1000, 256 * 1024, 256 * 1024 + 1, 3_000_000])("reads %i bytes", async (size) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    const bytes = patternedBytes(size);
    writeFileSync(path, bytes);
    expect((await collect(readExactly(path, size, { meter }))).equals(bytes)).toBe(true);
  });

  it("cuts a file that grows where it was promised to end, and says so", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    const bytes = patternedBytes(2_000_000);
    writeFileSync(path, bytes);
    const grown: unknown[] = [];
    const onGrown = (...facts: unknown[]): void => void grown.push(facts);
    expect((await collect(readExactly(path, 100, { meter, onGrown }))).byteLength).toBe(100);
    const read = readExactly(path, bytes.byteLength, { meter, onGrown });
    const first = (await read.next()).value as Uint8Array;
    appendFileSync(path, "more");
    expect(first.byteLength + (await collect(read)).byteLength).toBe(bytes.byteLength);
    expect(grown).toEqual([
      [path, 100, 2_000_000],
      [path, 2_000_000, 2_000_004],
    ]);
  });

  it.each([100, 2_000_000])("names a file of %i bytes that has become shorter", async (size) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "file");
    writeFileSync(path, patternedBytes(size));
    truncateSync(path, size / 2);
    await expect(collect(readExactly(path, size, { meter }))).rejects.toMatchObject({
      code: "archive.source_changed",
      message: expect.stringContaining(path),
    });
  });

  it.each([0, 100, 2_000_000])("a fifo in the place of a file of %i bytes holds nobody up", async (size) => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "fifo");
    execFileSync("mkfifo", [path]);
    await expect(collect(readExactly(path, size, { meter }))).rejects.toMatchObject({
      code: "archive.source_changed",
      message: `${path} was a file and is none any more`,
    });
  });

  it("does not follow a link that has taken the file's place", async () => {
    await using directory = await temporaryDirectory();
    const path = join(directory.path, "link");
    symlinkSync("/etc/hostname", path);
    await expect(collect(readExactly(path, 1, { meter }))).rejects.toThrow("ELOOP");
    await expect(collect(readExactly(path, 1_000_000, { meter }))).rejects.toThrow("ELOOP");
    const openFile = (): number => openPath(path);
    expect((await collect(readExactly(path, 1, { meter, openFile }))).byteLength).toBe(1);
  });
});
