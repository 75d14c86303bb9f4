import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, rename, rmdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import type { UnpackLimits } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { observedTransfer, temporaryDirectory } from "../test-support.ts";
import { loadDirectory } from "./load-directory.ts";
import type { ObjectStore } from "./object-store.ts";

/** A store of what a POSIX back end cannot hold: keys that no path can be. */
function storeOf(objects: Record<string, string>): Pick<ObjectStore, "get"> {
  return {
    async get(key) {
      const body = objects[key];
      if (body === undefined) throw new ArtifactError(`no ${key}`, { code: "s3.no_such_key" });
      const bytes = Buffer.from(body);
      const stream = (async function* () {
        if (bytes.byteLength > 0) yield bytes;
      })();
      return {
        metadata: {},
        isEtagOpaque: true,
        sizeBytes: bytes.byteLength,
        lengthBytes: bytes.byteLength,
        etag: '"1"',
        body: stream,
      };
    },
  };
}

async function load(
  objects: Record<string, string>,
  directory: string,
  limits: Partial<UnpackLimits> = {},
): Promise<string[]> {
  const keys = Object.entries(objects).map(([key, body]) => ({ key, sizeBytes: body.length }));
  const listed = (async function* () {
    yield* keys;
  })();
  const store = storeOf(objects) as ObjectStore;
  const options = { rangeBytes: 1024, maxStreams: 2, stallTimeoutMs: 1000, limits };
  const { transfer, warnings } = observedTransfer();
  await loadDirectory({ store, prefix: "out/", objects: listed }, directory, transfer, options);
  return warnings;
}

describe("loadDirectory", () => {
  it("says that the bytes of a key that ends in a slash are left out", async () => {
    await using directory = await temporaryDirectory();
    const objects = { "out/d/": "lost", "out/hollow/": "", "out/f": "1" };
    expect(await load(objects, directory.path)).toEqual([
      "left out the 4 bytes of out/d/, which is a directory here",
    ]);
    expect((await readdir(directory.path)).sort()).toEqual(["d", "f", "hollow"]);
  });

  it.each([["out/../evil"], ["out/a/../../evil"], ["out//evil"], ["out/e\0vil"]])(
    "refuses the key %j and writes nothing outside",
    async (key) => {
      await using parent = await temporaryDirectory();
      const into = join(parent.path, "into");
      await mkdir(into);
      await expect(load({ "out/fine": "1", [key]: "evil" }, into)).rejects.toMatchObject({
        code: "s3.key_escape",
      });
      expect((await readdir(parent.path)).filter((name) => name !== "into")).toEqual([]);
      expect(existsSync("/evil")).toBe(false);
    },
  );

  it.each([
    [{ "out/a": "file", "out/a/b": "below" }],
    [{ "out/a/b": "below", "out/a": "file" }],
    [{ "out/a": "one", "out/./a": "two" }],
    [{ "out/a": "one", "out/a/": "" }],
  ])("refuses keys that are in each other's way: %j", async (objects) => {
    await using directory = await temporaryDirectory();
    const loading = load(objects as Record<string, string>, directory.path);
    await expect(loading).rejects.toMatchObject({
      code: "s3.key_escape",
      message: expect.stringContaining("in the way of another key"),
    });
  });

  it.each<[Partial<UnpackLimits>, Record<string, string>]>([
    [{ maxEntries: 2 }, { "out/a": "1", "out/b": "2", "out/c/": "" }],
    [{ maxBytes: 3 }, { "out/a": "12", "out/b": "34" }],
    [{ maxPathBytes: 4 }, { "out/a/b/c": "1" }],
    [{ maxDepth: 2 }, { "out/a/b/c/d": "1" }],
    [{ minFreeBytes: 2 ** 52 }, { "out/a": "1" }],
  ])("holds keys to the limits of archives: %j", async (limits, objects) => {
    await using directory = await temporaryDirectory();
    await expect(load(objects, directory.path, limits)).rejects.toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining(Object.keys(limits)[0] ?? ""),
    });
  });

  it.each([
    ["before it is entered", "out/c/f", undefined],
    ["when it has been entered", "out/b/f", "1"],
  ])("follows no directory that somebody replaces by a link, %s", async (_when, key, moved) => {
    await using parent = await temporaryDirectory();
    const into = join(parent.path, "into");
    await mkdir(join(into), { recursive: true });
    await mkdir(join(parent.path, "outside"));
    const name = key.split("/")[1] ?? "";
    const objects: Record<string, string> = { "out/b/a": "0", "out/b/z": "0", [key]: "1" };
    const { transfer } = observedTransfer();
    const listed = async function* () {
      for (const first of ["out/b/a", "out/b/z"]) yield { key: first, sizeBytes: 1 };
      while (!existsSync(join(into, "b/z"))) await new Promise((resolve) => setImmediate(resolve));
      if (moved !== undefined) await rename(join(into, name), join(parent.path, "moved"));
      await symlink(join(parent.path, "outside"), join(into, name));
      yield { key, sizeBytes: 1 };
    };
    const store = storeOf(objects) as ObjectStore;
    const options = { rangeBytes: 1024, maxStreams: 2, stallTimeoutMs: 1000 };
    const loading = loadDirectory({ store, prefix: "out/", objects: listed() }, into, transfer, options);
    if (moved === undefined) await expect(loading).rejects.toMatchObject({ code: "s3.key_escape" });
    else {
      await loading;
      expect(await readFile(join(parent.path, "moved/f"), "utf8")).toBe(moved);
    }
    expect(await readdir(join(parent.path, "outside"))).toEqual([]);
  });

  it("calls a place that somebody removes no missing artifact", async () => {
    await using parent = await temporaryDirectory();
    const into = join(parent.path, "into");
    await mkdir(into);
    const { transfer } = observedTransfer();
    const listed = async function* () {
      await rmdir(into);
      yield { key: "out/f", sizeBytes: 1 };
    };
    const store = storeOf({ "out/f": "1" }) as ObjectStore;
    const options = { rangeBytes: 1024, maxStreams: 2, stallTimeoutMs: 1000, limits: {} };
    const loading = loadDirectory({ store, prefix: "out/", objects: listed() }, into, transfer, options);
    await expect(loading).rejects.toMatchObject({ code: "disk.failed" });
  });

  it("keeps names that only look dangerous", async () => {
    await using directory = await temporaryDirectory();
    await load({ "out/..a": "1", "out/a\\..\\b": "2", "out/-rf": "3", "out/a//b": "4" }, directory.path);
    expect((await readdir(directory.path)).sort()).toEqual(["-rf", "..a", "a", "a\\..\\b"]);
    expect(await readFile(join(directory.path, "a/b"), "utf8")).toBe("4");
  });
});
