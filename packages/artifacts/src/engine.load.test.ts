import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Artifact } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../test/support/fault-proxy.ts";
import { createGitRepository } from "../../../test/support/git-repository.ts";
import {
  isLarge,
  LARGE,
  type StoreOfArtifacts,
  startStoreOfArtifacts,
  TREE,
  tree,
} from "./load-test-support.ts";
import { createTestEngine, s3Secrets, temporaryDirectory } from "./test-support.ts";

let store: StoreOfArtifacts;

beforeAll(async () => {
  store = await startStoreOfArtifacts();
});

afterAll(() => store[Symbol.asyncDispose]());

describe("what is loaded", () => {
  it.each<[string, Partial<Artifact>, "tar" | "none" | "zip", number]>([
    ["tree.tgz", {}, "tar", 2],
    ["tree.tgz", { archive: { tar: {} } }, "tar", 2],
    ["tree.zip", { archive: { zip: {} } }, "zip", 2],
  ])("is a directory from %s with %j", async (key, more, archive, files) => {
    await using directory = await temporaryDirectory();
    const { target, report, spans } = await store.loadInto(directory, store.artifact(key, more));
    expect(await tree(target)).toEqual(TREE);
    expect(await readFile(join(target, "deep/b.bin"))).toSatisfy(isLarge);
    expect(await readdir(join(directory.path, "inputs"))).toEqual(["source"]);
    expect(report).toMatchObject({ files, unpackedBytes: LARGE.byteLength + 1, driver: "s3", key });
    expect(spans.find(({ name }) => name === "unarchiveArtifact")?.attributes).toEqual({ archive });
  });

  it.each(["tree.tar", "tree.tar.zst"])(
    "is a directory from %s where it is declared a tar, and a file where nothing is",
    async (key) => {
      await using directory = await temporaryDirectory();
      const declared = await store.loadInto(directory, store.artifact(key, { archive: { tar: {} } }));
      expect(await tree(declared.target)).toEqual(TREE);
      await using other = await temporaryDirectory();
      const undeclared = await store.loadInto(other, store.artifact(key));
      expect((await stat(undeclared.target)).isFile()).toBe(true);
    },
  );

  it("is the file of an archive that holds nothing else", async () => {
    await using directory = await temporaryDirectory();
    const { target } = await store.loadInto(directory, store.artifact("file.tgz"));
    expect(await readFile(target)).toSatisfy(isLarge);
  });

  it("stays as it is, when it is not a packed tar or must not be unpacked", async () => {
    await using directory = await temporaryDirectory();
    const unpacked = await store.loadInto(directory, store.artifact("file.tgz", { archive: { none: {} } }));
    expect((await readFile(unpacked.target)).equals(store.tgz.file)).toBe(true);
    const plain = await store.loadInto(directory, store.artifact("plain.gz"));
    expect(await readFile(plain.target)).toEqual(gzipSync("not a tar"));
    expect((await stat(plain.target)).mode & 0o444).toBe(0o444); // main may run as anybody
  });

  it("is every object below the key", async () => {
    await using directory = await temporaryDirectory();
    const { target, report } = await store.loadInto(directory, store.artifact("dir"));
    expect(await tree(target)).toEqual({ x: 1, y: -1, "y/z": LARGE.byteLength });
    expect(report.files).toBe(2);
  });

  it("is a repository, with its .git", async () => {
    await using directory = await temporaryDirectory();
    await using repository = await createGitRepository();
    const commit = await repository.commit("one", { "only.txt": "text" });
    const { target, report, spans } = await store.loadInto(directory, {
      name: "code",
      git: { repo: repository.path },
    });
    expect(await readdir(target)).toEqual([".git", "only.txt"]);
    expect(report).toMatchObject({ driver: "git", files: 1, unpackedBytes: 4 });
    expect(report.bytes).toBeGreaterThan(0);
    expect(spans.find(({ name }) => name === "loadArtifact")?.attributes).toMatchObject({
      "vcs.repository.url.full": repository.path,
      "vcs.ref.head.revision": commit,
      "vcs.ref.head.name": "main",
      "argo.artifact.archive": "none",
    });
  });

  it("is the text of a raw artifact", async () => {
    await using directory = await temporaryDirectory();
    const { target } = await store.loadInto(directory, { name: "raw", raw: { data: "h\u00e9llo\n" } });
    expect(await readFile(target, "utf8")).toBe("h\u00e9llo\n");
  });
});

describe("several artifacts", () => {
  it("move at the same time, within one budget", async () => {
    await using directory = await temporaryDirectory();
    let open = 0;
    let most = 0;
    await using proxy = await startFaultProxy(store.server.endpoint, () => {
      most = Math.max(most, ++open);
      setTimeout(() => open--, 100);
      return { type: "delay", ms: 100 };
    });
    const settings = { memoryBytes: 3_000_000, rangeBytes: 1_000_000, artifacts: 4 };
    await using test = await createTestEngine(s3Secrets(store.server), { settings });
    const loads = Array.from({ length: 6 }, (_, index) => {
      const artifact = store.artifact("tree.tgz", { name: `n${index}`, at: { endpoint: proxy.endpoint } });
      return test.engine.load({ artifact, target: join(directory.path, `n${index}`) });
    });
    await Promise.all(loads);
    for (let index = 0; index < 6; index++) {
      expect(await tree(join(directory.path, `n${index}`))).toEqual(TREE);
    }
    expect(most).toBeGreaterThan(1);
    expect((await readdir(directory.path)).filter((name) => name.startsWith("."))).toEqual([]);
  });
});
