import { spawnSync } from "node:child_process";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  archive,
  directory,
  endOfArchive,
  file,
  hardLink,
  header,
  pax,
} from "../../../test/hostile/corpus/tar-parts.ts";
import { type CleanName, cleanEntryName } from "./clean-entry-name.ts";
import { extractTar } from "./extract-tar.ts";
import { readTree } from "./testing/read-tree.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";
import { TreeWriter } from "./tree-writer.ts";
import { DEFAULT_UNPACK_LIMITS } from "./unpack-limits.ts";

const program = join(import.meta.dirname, "testing/archive-program.ts");

/** Runs the archive program in a shell command of which it is `"$@"`. */
function runProgram(shell: string, ...args: string[]): unknown {
  const run = spawnSync("unshare", ["-Urm", "sh", "-c", shell, "sh", process.execPath, program, ...args]);
  expect(run.stderr.toString()).toBe("");
  return JSON.parse(run.stdout.toString());
}

function clean(name: string): CleanName {
  const cleaned = cleanEntryName(name);
  if (cleaned === undefined) throw new Error(`${name} leads outside`);
  return cleaned;
}

describe("directories", () => {
  it("of any number, entered in any order, take a bounded number of descriptors", async () => {
    const names = Array.from({ length: 150 }, (_, at) => `d${at}`);
    const rounds = [1, 2, 3].flatMap((round) => names.map((name) => file(`${name}/f${round}`)));
    let mostOpen = 0;
    const before = readdirSync("/proc/self/fd").length;
    const { report, tree } = await unpack(archive(...rounds), {
      chunkBytes: 50_000,
      onFile: () => {
        mostOpen = Math.max(mostOpen, readdirSync("/proc/self/fd").length - before);
      },
    });
    expect(report.files).toBe(450);
    expect(Object.keys(tree)).toHaveLength(600);
    expect(mostOpen).toBeLessThan(80);
  });

  it("as deep as the limit allows are made, longer than any path the kernel would take", async () => {
    const deep = Array.from({ length: 200 }, (_, at) => `${at}-`.padEnd(100, "x")).join("/");
    const part = [
      pax({ path: `${deep}/f` }),
      file("f", "deep"),
      pax({ path: `${deep}/h`, linkpath: `${deep}/f` }),
      hardLink("h", "f"),
    ];
    using parent = temporaryDirectory();
    const into = parent.join("into");
    async function* source(): AsyncGenerator<Buffer> {
      yield archive(...part);
    }
    await extractTar(source(), { into, limits: { maxPathBytes: 100_000 } });
    const found = spawnSync("find", [".", "-type", "f", "-links", "2", "-printf", "%f %s\n"], { cwd: into });
    expect(found.stdout.toString().split("\n").sort()).toEqual(["", "f 4", "h 4"]);
    spawnSync("rm", ["-rf", into]); // node's own rm cannot go that deep
  });

  it("hard links find their file when hundreds of directories lie between", async () => {
    const files = Array.from({ length: 100 }, (_, at) => file(`d${at}/f`, `text ${at}`));
    const links = Array.from({ length: 100 }, (_, at) => hardLink(`e${99 - at}/a/b/c/h`, `d${at}/f`));
    const { tree } = await unpack(archive(...files, ...links));
    for (let at = 0; at < 100; at++) expect(tree[`e${99 - at}/a/b/c/h`]).toContain(`"text ${at}"`);
  });

  it("hold on to the file's directory while the link's is opened, even if it is the oldest of those kept open", async () => {
    for (const kept of [62, 63, 64, 65]) {
      const files = Array.from({ length: kept }, (_, at) => file(`d${at}/f`, `text ${at}`));
      const links = [...files.keys()].map((at) => hardLink(`e${at}/h`, `d${at}/f`));
      const { tree } = await unpack(archive(...files, ...links));
      expect(files.map((_, at) => tree[`e${at}/h`] === tree[`d${at}/f`])).not.toContain(false);
    }
  });

  it("swapped for a link by somebody else while we work do not lead a write outside", async () => {
    using parent = temporaryDirectory();
    mkdirSync(parent.join("victim"));
    const into = parent.join("into");
    async function* source(): AsyncGenerator<Buffer> {
      yield Buffer.concat([file("known/f"), directory("fresh")]);
      for (const name of ["known", "fresh"]) {
        renameSync(join(into, name), parent.join(name));
        symlinkSync(parent.join("victim"), join(into, name));
      }
      yield file("known/g", "went to the directory itself");
      // One more than are kept open, so that `fresh` has to be looked up again.
      yield Buffer.concat(Array.from({ length: 65 }, (_, at) => file(`other${at}/f`)));
      yield file("fresh/g", "must not follow");
      yield endOfArchive();
    }
    await expect(extractTar(source(), { into })).rejects.toMatchObject({
      code: "archive.corrupt",
      message: expect.stringContaining("fresh is no directory"),
    });
    expect(readdirSync(parent.join("victim"))).toEqual([]);
    expect(Object.keys(readTree(parent.join("known")))).toEqual(["f", "g"]);
  });
});

describe("hard links", () => {
  it.each(["EPERM", "EOPNOTSUPP", "EMLINK"])("become copies where the file system answers %s", (code) => {
    using parent = temporaryDirectory();
    const link = (): never => {
      throw Object.assign(new Error("no hard links here"), { code });
    };
    const tree = new TreeWriter(parent.path, DEFAULT_UNPACK_LIMITS, { link });
    closeSync(tree.createFile(clean("f"), 0o640));
    writeFileSync(parent.join("f"), "text");
    tree.createHardLink(clean("d/h"), clean("f"));
    tree.finish();
    tree.close();
    expect(readFileSync(parent.join("d/h"), "latin1")).toBe("text");
    expect(lstatSync(parent.join("d/h")).mode & 0o777).toBe(0o640);
    expect(lstatSync(parent.join("f")).nlink).toBe(1);
  });

  it("fail for any other reason, by name", () => {
    using parent = temporaryDirectory();
    const link = (): never => {
      throw Object.assign(new Error("disk on fire"), { code: "EIO", errno: -5 });
    };
    const tree = new TreeWriter(parent.path, DEFAULT_UNPACK_LIMITS, { link });
    closeSync(tree.createFile(clean("f"), 0o644));
    expect(() => tree.createHardLink(clean("h"), clean("f"))).toThrow(
      "cannot make the hard link h: i/o error",
    );
    tree.close();
  });
});

describe("a disk that refuses", () => {
  const onSmallDisk = 'mount -t tmpfs -o size=256k,nr_inodes=20 none "$5" && exec "$@"/into';

  it("is full for small files as well, and is asked before one is begun", () => {
    using parent = temporaryDirectory();
    mkdirSync(parent.join("disk"));
    const files = Array.from({ length: 15 }, (_, at) => file(`f${at}`, "x".repeat(20_000)));
    writeFileSync(parent.join("a.tar"), archive(...files));
    expect(runProgram(onSmallDisk, "unpack", parent.join("a.tar"), parent.join("disk"))).toEqual({
      code: "disk.full",
      message: expect.stringMatching(/^the volume is too small: f\d+ has 20000 bytes, \d+ are free in /),
    });
  });

  it("has no room for more files, whatever their size", () => {
    using parent = temporaryDirectory();
    mkdirSync(parent.join("disk"));
    const files = Array.from({ length: 50 }, (_, at) => file(`f${at}`, ""));
    writeFileSync(parent.join("a.tar"), archive(...files));
    expect(runProgram(onSmallDisk, "unpack", parent.join("a.tar"), parent.join("disk"))).toEqual({
      code: "disk.full",
      message: expect.stringMatching(/^cannot make the file f\d+: no space left on device$/),
    });
  });

  it("cannot hold a big file: refused before it is begun", () => {
    using parent = temporaryDirectory();
    mkdirSync(parent.join("disk"));
    writeFileSync(parent.join("a.tar"), header({ name: "big", size: 300_000 }));
    expect(runProgram(onSmallDisk, "unpack", parent.join("a.tar"), parent.join("disk"))).toEqual({
      code: "disk.full",
      message: expect.stringMatching(/: big has 300000 bytes, \d+ are free in /),
    });
  });

  it("is not ours to write or read", () => {
    using parent = temporaryDirectory();
    mkdirSync(parent.join("closed"), { mode: 0o555 });
    writeFileSync(parent.join("closed.txt"), "x", { mode: 0 });
    writeFileSync(parent.join("a.tar"), archive(file("f")));
    // root must lose the right to override modes first.
    const asOwner =
      process.getuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : ["env"];
    const run = (...args: string[]): unknown =>
      JSON.parse(spawnSync("env", [...asOwner, process.execPath, program, ...args]).stdout.toString());
    expect(run("unpack", parent.join("a.tar"), parent.join("closed/into"))).toEqual({
      code: "disk.permission_denied",
      message: `cannot make the directory ${parent.join("closed/into")}: permission denied`,
    });
    expect(run("pack", parent.path)).toEqual({
      code: "disk.permission_denied",
      message: `cannot open ${parent.join("closed.txt")}: permission denied`,
    });
  });
});
