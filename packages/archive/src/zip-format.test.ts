import { spawnSync } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { crc32, deflateRawSync } from "node:zlib";
import { beforeEach, describe, expect, it } from "vitest";
import { extractZip } from "./extract-zip.ts";
import { skipWithout } from "./testing/has-program.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import {
  encodeCentralHeader,
  encodeDataDescriptor,
  encodeEnd,
  encodeLocalHeader,
  type ZipEntry,
} from "./zip-format.ts";

const data = Buffer.from("hello");
const entry: ZipEntry = {
  ...{ name: "f", mode: 0o100644, mtimeSeconds: 1_600_000_000, method: 0, crc32: crc32(data) },
  ...{ compressedBytes: data.length, sizeBytes: data.length, streamed: false, zip64: false, offset: 0 },
};

function python(path: string, expression: string): string {
  const run = spawnSync("python3", [
    "-c",
    `import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(${expression})`,
    path,
  ]);
  expect(run.stderr.toString()).toBe("");
  return run.stdout.toString().trim();
}

describe("zip64", () => {
  beforeEach(skipWithout("python3", "unzip"));

  it("counts more than 65,535 entries", () => {
    using directory = temporaryDirectory();
    const central = encodeCentralHeader({ ...entry, sizeBytes: 0, compressedBytes: 0, crc32: 0 });
    const bytes = Buffer.concat([
      ...Array<Buffer>(70_000).fill(central),
      encodeEnd(70_000, 0, central.length * 70_000),
    ]);
    writeFileSync(directory.join("z.zip"), bytes);
    expect(python(directory.join("z.zip"), "len(z.namelist())")).toBe("70000");
  });

  it("finds an entry and the directory beyond four gigabytes", async () => {
    using directory = temporaryDirectory();
    const path = directory.join("z.zip");
    const offset = 5 * 1024 ** 3;
    const local = Buffer.concat([encodeLocalHeader(entry), data]);
    const central = encodeCentralHeader({ ...entry, offset });
    const bytes = Buffer.concat([local, central, encodeEnd(1, offset + local.length, central.length)]);
    const fd = openSync(path, "w");
    writeSync(fd, bytes, 0, bytes.length, offset); // behind a hole, which takes no space
    closeSync(fd);
    expect(python(path, "z.read('f')")).toBe("b'hello'");
    await extractZip(path, { into: directory.join("into") });
    expect(readFileSync(directory.join("into/f"), "latin1")).toBe("hello");
  });

  it.each([true, false])("streams an entry with sizes of eight bytes: %s", async (zip64) => {
    using directory = temporaryDirectory();
    const deflated = deflateRawSync(data);
    const streamed: ZipEntry = {
      ...entry,
      method: 8,
      compressedBytes: deflated.length,
      streamed: true,
      zip64,
    };
    const local = Buffer.concat([encodeLocalHeader(streamed), deflated, encodeDataDescriptor(streamed)]);
    const central = encodeCentralHeader(streamed);
    writeFileSync(
      directory.join("z.zip"),
      Buffer.concat([local, central, encodeEnd(1, local.length, central.length)]),
    );
    expect(spawnSync("unzip", ["-tq", directory.join("z.zip")]).stdout.toString()).toContain("No errors");
    expect(python(directory.join("z.zip"), "z.testzip(), z.read('f')")).toBe("None b'hello'");
    // funzip takes the stream as it comes, without the directory at its end.
    expect(spawnSync("funzip", [directory.join("z.zip")]).stdout.toString()).toBe("hello");
  });
});

describe("zip times", () => {
  beforeEach(skipWithout("python3", "unzip"));

  it.each([
    [1_600_000_001, "(2020, 9, 13, 12, 26, 40)"],
    [0, "(1980, 1, 1, 0, 0, 0)"],
    [2 ** 33, "(2107, 12, 31, 23, 59, 58)"],
  ])("%i is %s in DOS time", (mtimeSeconds, dosTime) => {
    using directory = temporaryDirectory();
    const central = encodeCentralHeader({ ...entry, mtimeSeconds });
    writeFileSync(directory.join("z.zip"), Buffer.concat([central, encodeEnd(1, 0, central.length)]));
    expect(python(directory.join("z.zip"), "z.infolist()[0].date_time")).toBe(dosTime);
  });
});
