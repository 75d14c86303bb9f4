import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decompressTar, detectArchive, extractTar, extractZip, gzip, packTar, packZip } from "@skein/archive";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { treeArbitrary, writeNode } from "../../packages/archive/src/testing/generated-tree.ts";
import { readTree } from "../../packages/archive/src/testing/read-tree.ts";
import { chunked, collect } from "../../packages/archive/src/testing/streams.ts";
import { temporaryDirectory } from "../../packages/archive/src/testing/temporary-directory.ts";

type Tree = Record<string, string>;

/** What upstream's executor would do with the same archives: see archives.go. */
let upstream: string;
let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-upstream-"));
  upstream = join(directory, "archives");
  execFileSync("go", ["build", "-o", upstream, join(import.meta.dirname, "archives.go")]);
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

function runUpstream(args: string[], input?: Buffer): Buffer {
  const { status, stdout, stderr } = spawnSync(upstream, args, { input, maxBuffer: 2 ** 28 });
  expect([status, stderr.toString()]).toEqual([0, ""]);
  return stdout;
}

/** Upstream gives every directory 0755 when it unpacks. */
const mapTree = (tree: Tree, change: (what: string) => string): Tree =>
  Object.fromEntries(Object.entries(tree).map(([name, what]) => [name, change(what)]));
const withoutDirectoryModes = (tree: Tree): Tree => mapTree(tree, (what) => what.replace(/^dir \d+/, "dir"));

/** A zip of upstream's has files alone, and their content alone. */
const contents = (tree: Tree): Tree =>
  Object.fromEntries(
    Object.entries(tree)
      .filter(([, what]) => what.startsWith("file"))
      .map(([name, what]) => [name, what.replace(/^file \d+ @\S+/, "file")]),
  );

/** Writes a random tree and hands it on; fast-check prints the seed of one that fails. */
function forEveryTree(check: (at: (...parts: string[]) => string) => Promise<void>): Promise<void> {
  const property = fc.asyncProperty(treeArbitrary, async (node) => {
    using place = temporaryDirectory();
    writeNode(Buffer.from(place.join("tree")), node);
    await check(place.join);
  });
  return fc.assert(property, { numRuns: 15 });
}

describe("archives of upstream's and ours (contract §13)", () => {
  it("tar.gz: what upstream packs is found out and becomes the same tree", () =>
    forEveryTree(async (at) => {
      const packed = runUpstream(["pack-tgz", at("tree")]);
      const { kind, source } = await detectArchive(chunked(packed, 1000));
      expect(kind).toBe("tar.gz");
      await extractTar(decompressTar(source), { into: at("ours") });
      expect(readTree(at("ours/tree"))).toEqual(readTree(at("tree")));
    }));

  it("tar.gz: what we pack upstream unpacks to the same tree", () =>
    forEveryTree(async (at) => {
      mkdirSync(at("theirs"));
      runUpstream(["unpack-tgz", at("theirs")], await collect(gzip(packTar(at("tree")))));
      expect(withoutDirectoryModes(readTree(at("theirs/tree")))).toEqual(
        withoutDirectoryModes(readTree(at("tree"))),
      );
    }));

  it("zip: what upstream packs we unpack to the same files", () =>
    forEveryTree(async (at) => {
      writeFileSync(at("a.zip"), runUpstream(["pack-zip", at("tree")]));
      await extractZip(at("a.zip"), { into: at("ours") });
      const regular = Object.entries(contents(readTree(at("tree")))).map(([name, what]) => [
        `tree/${name}`,
        what,
      ]);
      expect(contents(readTree(at("ours")))).toMatchObject(Object.fromEntries(regular));
    }));

  it("zip: what we pack upstream unpacks to the same files", () =>
    forEveryTree(async (at) => {
      mkdirSync(at("theirs"));
      writeFileSync(at("a.zip"), await collect(packZip(at("tree"))));
      runUpstream(["unpack-zip", at("theirs"), at("a.zip")]);
      expect(contents(readTree(at("theirs/tree")))).toMatchObject(contents(readTree(at("tree"))));
    }));
});
