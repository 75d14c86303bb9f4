import { spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import fc from "fast-check";
import { extract, pack } from "tar-stream";
import { beforeEach, describe, expect, it } from "vitest";
import {
  archive,
  directory,
  file,
  hardLink,
  pax,
  symlink,
  withChecksum,
} from "../../../test/hostile/corpus/tar-parts.ts";
import { encodeTarHeader } from "./encode-tar-header.ts";
import { extractTar } from "./extract-tar.ts";
import { packTar } from "./pack-tar.ts";
import { skipWithout } from "./testing/has-program.ts";
import { readTree, type Tree } from "./testing/read-tree.ts";
import { chunked, collect } from "./testing/streams.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";
import { unpack } from "./testing/unpack.ts";

type Directory = ReturnType<typeof temporaryDirectory>;

function makeTree(at: Directory): void {
  mkdirSync(at.join("tree", "d".repeat(90), "e".repeat(90), "f".repeat(90)), { recursive: true });
  writeFileSync(at.join("tree", "d".repeat(90), "e".repeat(90), "f".repeat(90), "deep"), "deep");
  writeFileSync(at.join("tree/ünïcode"), "text", { mode: 0o640 });
  writeFileSync(Buffer.from(`${at.join("tree")}/latin\xe9`, "latin1"), "bytes");
  writeFileSync(at.join("tree/exact"), Buffer.alloc(1024, "x"));
  writeFileSync(at.join("tree/empty"), "");
  symlinkSync("ünïcode", at.join("tree/link"));
  symlinkSync("x/".repeat(80), at.join("tree/long-link"));
}

function run(program: string, args: string[], input?: Buffer): Buffer {
  const { stdout, stderr, status } = spawnSync(program, args, { input, maxBuffer: 2 ** 28 });
  expect([status, stderr.toString()]).toEqual([0, ""]);
  return stdout;
}

describe("Python's tarfile", () => {
  beforeEach(skipWithout("python3"));

  it("unpacks what we pack, under its data filter where it has one", async () => {
    using at = temporaryDirectory();
    makeTree(at);
    // Debian 12's Python 3.11.2 is older than the filters.
    const script = `import sys,tarfile
filters = {'filter': 'data'} if hasattr(tarfile, 'data_filter') else {}
tarfile.open(fileobj=sys.stdin.buffer, mode='r|').extractall(sys.argv[1], **filters)`;
    run("python3", ["-c", script, at.join("into")], await collect(packTar(at.join("tree"))));
    expect(readTree(at.join("into/tree"))).toEqual(readTree(at.join("tree")));
  });

  it.each(["USTAR", "GNU", "PAX"])("packs in %s format what we unpack", async (format) => {
    using at = temporaryDirectory();
    makeTree(at);
    const skip =
      format === "USTAR" ? "lambda t: None if len(t.name) > 99 or len(t.linkname) > 99 else t" : "None";
    const script = `import sys,tarfile
with tarfile.open(fileobj=sys.stdout.buffer, mode='w|', format=tarfile.${format}_FORMAT) as t:
    t.add(sys.argv[1], arcname='tree', filter=${skip})`;
    await extractTar(chunked(run("python3", ["-c", script, at.join("tree")])), { into: at.join("into") });
    const expected = Object.entries(readTree(at.join("tree"))).filter(
      ([name, what]) => format !== "USTAR" || (name.length < 94 && what.length < 110),
    );
    expect(Object.entries(readTree(at.join("into/tree")))).toEqual(
      expect.arrayContaining(expected.filter(([, what]) => !what.startsWith("file 644 @0"))),
    );
  });

  it("reads the numbers that USTAR cannot say from our pax headers", () => {
    const fields = {
      name: "f",
      type: "0",
      mode: 0o644,
      uid: 3_000_000,
      gid: 4_000_000,
      size: 9 * 1024 ** 3,
    } as const;
    const header = encodeTarHeader({ ...fields, mtimeSeconds: -5 });
    const script = `import sys,tarfile,io
t=tarfile.TarFile(fileobj=io.BytesIO(sys.stdin.buffer.read())).next(); print(t.uid, t.gid, t.size, t.mtime)`;
    expect(run("python3", ["-c", script], header).toString()).toBe("3000000 4000000 9663676416 -5.0\n");
  });
});

describe("GNU tar", () => {
  it("unpacks what we pack without a word, and finds no difference to the source", async () => {
    using at = temporaryDirectory();
    makeTree(at);
    const packed = await collect(packTar(at.join("tree")));
    const differences = spawnSync("tar", ["-df", "-", "-C", at.path], { input: packed });
    expect(differences.stderr.toString()).toBe("");
    // We write whole seconds, as upstream does.
    const lines = differences.stdout
      .toString()
      .split("\n")
      .filter((line) => !line.endsWith(": Mod time differs"));
    expect(lines).toEqual([""]);
  });

  it("packs with `tar c .` what we unpack, and says the same about a directory's content", async () => {
    using at = temporaryDirectory();
    makeTree(at);
    const tar = run("tar", ["-cf", "-", "-C", at.join("tree"), "."]);
    await extractTar(chunked(tar), { into: at.join("into") });
    expect(readTree(at.join("into"))).toEqual(readTree(at.join("tree")));
  });

  it("packs hard links that we make again", async () => {
    using at = temporaryDirectory();
    mkdirSync(at.join("tree/d"), { recursive: true });
    writeFileSync(at.join("tree/a"), "text");
    run("ln", [at.join("tree/a"), at.join("tree/d/b")]);
    const tar = run("tar", ["-cf", "-", "-C", at.path, "tree"]);
    const report = await extractTar(chunked(tar), { into: at.join("into") });
    expect(report).toMatchObject({ files: 1, hardlinks: 1 });
    run("sh", [
      "-c",
      '[ "$(stat -c %i "$1/tree/a")" = "$(stat -c %i "$1/tree/d/b")" ]',
      "sh",
      at.join("into"),
    ]);
  });

  it("packs a file with holes as an ordinary one unless told otherwise, and then we refuse it", async () => {
    using at = temporaryDirectory();
    run("truncate", ["-s", "1M", at.join("holes")]);
    expect((await unpack(run("tar", ["-cf", "-", "-C", at.path, "holes"]))).report.unpackedBytes).toBe(
      1024 ** 2,
    );
    for (const format of ["gnu", "pax"]) {
      const sparse = run("tar", ["--sparse", `--format=${format}`, "-cf", "-", "-C", at.path, "holes"]);
      await expect(unpack(sparse)).rejects.toMatchObject({
        code: "archive.unsupported_entry",
        message: expect.stringContaining("sparse file"),
      });
    }
  });
});

describe("tar-stream", () => {
  it("reads what we pack", async () => {
    using at = temporaryDirectory();
    makeTree(at);
    const reader = extract();
    const seen: Tree = {};
    reader.end(await collect(packTar(at.join("tree"))));
    for await (const entry of reader) {
      const { name, type, linkname } = entry.header;
      const data = await collect(entry as AsyncIterable<Uint8Array>);
      seen[name] = type === "symlink" ? `link -> ${linkname}` : `${type} ${data.length}`;
    }
    expect(seen).toMatchObject({
      tree: "directory 0",
      "tree/ünïcode": "file 4",
      "tree/exact": "file 1024",
      "tree/link": "link -> ünïcode",
      [`tree/${"d".repeat(90)}/${"e".repeat(90)}/${"f".repeat(90)}/deep`]: "file 4",
    });
  });

  it("packs what we unpack", async () => {
    const writer = pack();
    writer.entry({ name: "d", type: "directory", mode: 0o750 });
    writer.entry({ name: `d/${"ü".repeat(80)}`, mtime: new Date(1_600_000_000_000) }, "text");
    writer.entry({ name: "d/l", type: "symlink", linkname: "x".repeat(120) });
    writer.finalize();
    const { tree } = await unpack(await collect(writer as AsyncIterable<Uint8Array>));
    expect(tree).toEqual({
      d: "dir 755",
      [`d/${Buffer.from("ü".repeat(80)).toString("latin1")}`]: 'file 644 @1600000000 "text"',
      "d/l": `link -> ${"x".repeat(120)}`,
    });
  });
});

describe("damage", () => {
  const whole = archive(
    directory("d"),
    pax({ path: "d/long" }),
    file("f", "x".repeat(600)),
    symlink("d/l", "f"),
    hardLink("h", "d/long"),
  );

  it("of any kind gives a tree or an error of ours, and nothing else", async () => {
    const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async (changes) => {
        const bytes = Buffer.from(whole);
        for (const [at, byte] of changes) bytes[at] = byte;
        const outcome = await unpack(bytes).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "ArtifactError" });
      }),
      { numRuns: 150 },
    );
  });

  it("that a checksum was made for is judged field by field", async () => {
    const change = fc.tuple(fc.nat(511), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 6 }), async (changes) => {
        const header = file("f", "").subarray(0, 512);
        const bytes = Buffer.from(header);
        for (const [at, byte] of changes) bytes[at] = byte;
        const outcome = await unpack(archive(withChecksum(bytes))).catch((error: unknown) => error);
        if (outcome instanceof Error) expect(outcome).toMatchObject({ name: "ArtifactError" });
      }),
      { numRuns: 150 },
    );
  });
});
