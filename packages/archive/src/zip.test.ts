import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  createWriteStream,
  mkdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { pipeline } from "node:stream/promises";
import { describe, expect, it } from "vitest";
import { extractZip } from "./extract-zip.ts";
import type { PackOptions } from "./pack-tar.ts";
import { packZip } from "./pack-zip.ts";
import { skipWithout } from "./testing/has-program.ts";
import { readTree, type Tree } from "./testing/read-tree.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

const needPython = skipWithout("python3");
const needInfoZip = skipWithout("unzip", "zip");

type Directory = ReturnType<typeof temporaryDirectory>;

async function packTo(directory: Directory, source: string, options?: PackOptions): Promise<string> {
  const zip = directory.join("packed.zip");
  await pipeline(packZip(directory.join(source), options), createWriteStream(zip));
  return zip;
}

function python(script: string, ...args: string[]): string {
  const run = spawnSync("python3", ["-c", script, ...args]);
  expect(run.stderr.toString()).toBe("");
  return run.stdout.toString();
}

const untimed = (tree: Tree): Tree =>
  Object.fromEntries(
    Object.entries(tree).map(([name, what]) => [name, what.replace(/^(file \d+) @\S+/, "$1")]),
  );

function makeTree(directory: Directory): void {
  mkdirSync(directory.join("dir/sub/empty"), { recursive: true });
  writeFileSync(directory.join("dir/sub/f.sh"), "#!/bin/sh\n".repeat(100), { mode: 0o755 });
  writeFileSync(directory.join("dir/sub/ü"), "x", { mode: 0o600 });
  writeFileSync(directory.join("dir/big"), Buffer.alloc(1_200_000, "big "));
  symlinkSync("f.sh", directory.join("dir/sub/l"));
}

describe("packZip", () => {
  it("gives a single file its base name, where upstream writes its absolute path (contract §22.8)", async () => {
    using directory = temporaryDirectory();
    writeFileSync(directory.join("c.txt"), "text");
    const zip = await packTo(directory, "c.txt");
    const report = await extractZip(zip, { into: directory.join("into") });
    expect(report.topLevel).toEqual(["c.txt"]);
  });

  it("is read by Info-ZIP with modes, links, times and empty directories", async (context) => {
    needInfoZip(context);
    using directory = temporaryDirectory();
    makeTree(directory);
    utimesSync(directory.join("dir/sub/f.sh"), 0, 1_600_000_001);
    const zip = await packTo(directory, "dir");
    expect(spawnSync("unzip", ["-tq", zip]).stdout.toString()).toContain("No errors detected");
    expect(spawnSync("unzip", ["-q", zip, "-d", directory.join("into")]).stderr.toString()).toBe("");
    expect(readTree(directory.join("into/dir"))).toEqual(readTree(directory.join("dir")));
  });

  it("is read by Python's zipfile", async (context) => {
    needPython(context);
    using directory = temporaryDirectory();
    makeTree(directory);
    const script = "import sys,zipfile; z=zipfile.ZipFile(sys.argv[1]); print(z.testzip(), z.namelist())";
    expect(python(script, await packTo(directory, "dir"))).toBe(
      "None ['dir/', 'dir/big', 'dir/sub/', 'dir/sub/empty/', 'dir/sub/f.sh', 'dir/sub/l', 'dir/sub/ü']\n",
    );
  });

  it("names a file that shrank on the way after the archive is complete", async (context) => {
    needInfoZip(context);
    using directory = temporaryDirectory();
    mkdirSync(directory.join("d"));
    writeFileSync(directory.join("d/log"), randomBytes(8_000_000));
    const chunks: Buffer[] = [];
    const pack = async (): Promise<void> => {
      for await (const chunk of packZip(directory.join("d"))) {
        if (chunks.push(chunk) === 1) truncateSync(directory.join("d/log"), 1_000_000);
      }
    };
    await expect(pack()).rejects.toMatchObject({
      code: "archive.source_changed",
      message: expect.stringContaining("d/log (from 8000000 to 1000000 bytes)"),
    });
    writeFileSync(directory.join("z.zip"), Buffer.concat(chunks));
    expect(spawnSync("unzip", ["-tq", directory.join("z.zip")]).stdout.toString()).toContain("No errors");
  });

  it("tells of each file and leaves every stage it entered", async () => {
    using directory = temporaryDirectory();
    makeTree(directory);
    const busy = { disk: 0, decompress: 0, compress: 0, compress_full: 0 };
    const seen = new Set<string>();
    const files: string[] = [];
    await packTo(directory, "dir", {
      meter: { enter: (stage) => seen.add(stage) && busy[stage]++, leave: (stage) => busy[stage]-- },
      onFile: ({ file, sizeBytes, offsetBytes }) => files.push(`${file} ${sizeBytes} @${offsetBytes}`),
    });
    expect(files).toEqual(["dir/big 1200000 @0", "dir/sub/f.sh 1000 @1200000", "dir/sub/ü 1 @1201000"]);
    expect(busy).toEqual({ disk: 0, decompress: 0, compress: 0, compress_full: 0 });
    expect([...seen].filter((stage) => stage !== "compress_full").sort()).toEqual(["compress", "disk"]);
  });
});

describe("extractZip", () => {
  it("takes from Info-ZIP what was packed, links as links", async (context) => {
    needInfoZip(context);
    using directory = temporaryDirectory();
    makeTree(directory);
    expect(spawnSync("zip", ["-qry", "../in.zip", "."], { cwd: directory.join("dir") }).status).toBe(0);
    const report = await extractZip(directory.join("in.zip"), { into: directory.join("into") });
    expect(untimed(readTree(directory.join("into")))).toEqual(untimed(readTree(directory.join("dir"))));
    expect(report).toMatchObject({
      files: 3,
      directories: 2,
      symlinks: 1,
      unpackedBytes: 1_201_001,
      skippedEntries: 0,
    });
  });

  it.for(["ZIP_STORED", "ZIP_DEFLATED"])(
    "takes what Python's zipfile streams with %s and zip64",
    async (method, context) => {
      needPython(context);
      using directory = temporaryDirectory();
      const script = `import sys,zipfile
class Pipe:
    def __init__(self, f): self.f = f
    def write(self, b): return self.f.write(b)
    def flush(self): self.f.flush()
with zipfile.ZipFile(Pipe(open(sys.argv[1], "wb")), "w", zipfile.${method}) as z:
    for name, n in (("a/small", 5), ("a/big", 700000)):
        with z.open(name, "w", force_zip64=True) as f: f.write(b"x" * n)`;
      python(script, directory.join("in.zip"));
      await extractZip(directory.join("in.zip"), { into: directory.join("into") });
      expect(readFileSync(directory.join("into/a/small"), "latin1")).toBe("xxxxx");
      expect(readFileSync(directory.join("into/a/big"))).toHaveLength(700_000);
    },
  );

  it("gives entries without modes what Go gives them, and makes parents one can enter (contract §22.9)", async (context) => {
    needPython(context);
    using directory = temporaryDirectory();
    const script = `import sys,zipfile
with zipfile.ZipFile(sys.argv[1], "w") as z:
    for name, attr in (("d/plain", 0), ("d/readonly", 1), ("e/", 16)):
        i = zipfile.ZipInfo(name); i.create_system = 0; i.external_attr = attr; z.writestr(i, "")`;
    python(script, directory.join("in.zip"));
    await extractZip(directory.join("in.zip"), { into: directory.join("into") });
    expect(readTree(directory.join("into"))).toMatchObject({
      d: "dir 755",
      e: "dir 777",
      "d/plain": expect.stringMatching(/^file 666 /),
      "d/readonly": expect.stringMatching(/^file 444 /),
    });
  });

  it("takes upstream's single-file zip, whose name is an absolute path, as a tree (contract §22.8)", async (context) => {
    needPython(context);
    using directory = temporaryDirectory();
    python(
      `import sys,zipfile; zipfile.ZipFile(sys.argv[1],"w").writestr("/a/b/c.txt","text")`,
      directory.join("in.zip"),
    );
    await extractZip(directory.join("in.zip"), { into: directory.join("into") });
    expect(Object.keys(readTree(directory.join("into")))).toEqual(["a", "a/b", "a/b/c.txt"]);
  });

  it("leaves every stage it entered", async () => {
    using directory = temporaryDirectory();
    makeTree(directory);
    const zip = await packTo(directory, "dir");
    const busy = { disk: 0, decompress: 0, compress: 0 };
    const meter = {
      enter: (stage: keyof typeof busy) => busy[stage]++,
      leave: (stage: keyof typeof busy) => busy[stage]--,
    };
    await extractZip(zip, { into: directory.join("into"), meter });
    expect(busy).toEqual({ disk: 0, decompress: 0, compress: 0 });
  });
});
