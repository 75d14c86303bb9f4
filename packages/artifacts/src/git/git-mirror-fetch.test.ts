import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type GitServer, startGitServer } from "../../../../test/support/git-server.ts";
import { patternedBytes, type TemporaryDirectory, temporaryDirectory } from "../test-support.ts";
import { fallbacksOf, gitIn, type Loaded, load, settingsFrom } from "./git-test-support.ts";

let repository: GitRepository;
let server: GitServer;
let mirrors: TemporaryDirectory;
let mirror: string;
let repo: string;
let old: string;

beforeEach(async () => {
  [repository, mirrors] = await Promise.all([createGitRepository(), temporaryDirectory()]);
  old = await repository.commit("one", { "a.txt": "one\n", "large.bin": patternedBytes(100_000) });
  server = await startGitServer(dirname(repository.path));
  const name = repository.path.slice(dirname(repository.path).length + 1);
  repo = `${server.url}/${name}/.git`;
  // What `/.git` is called in a mirror by host and path.
  mirror = join(mirrors.path, "127.0.0.1", name, ".git");
  await mkdir(dirname(mirror), { recursive: true });
  await gitIn(mirrors.path, "clone", "--quiet", "--mirror", repository.path, mirror);
});

afterEach(async () => {
  for (const part of [server, repository, mirrors]) await part[Symbol.asyncDispose]();
});

const settings = () => settingsFrom({ SKEIN_GIT_MIRRORS: mirrors.path });

/** Whether the artifact has all it needs when the mirror has gone. */
async function expectItStandsAlone(loaded: Loaded): Promise<void> {
  await rm(mirror, { recursive: true });
  expect(existsSync(join(loaded.path, ".git/objects/info/alternates"))).toBe(false);
  expect(await loaded.git("fsck", "--full", "--strict")).not.toMatch(/missing|broken|error/);
  expect(await loaded.git("status", "--porcelain")).toBe("");
  expect(await loaded.git("remote", "get-url", "origin")).toBe(repo);
}

describe("a mirror", () => {
  it("has a commit that is given in full: the server is not asked", async () => {
    await using loaded = await load({ repo, revision: old, depth: 1 }, settings());
    expect(await loaded.text("a.txt")).toBe("one\n");
    expect(server.requests).toEqual([]);
    expect(loaded.observed.attributes).toMatchObject({ "argo.git.mirror": mirror });
    expect(loaded.observed.transfer.tally.bytes).toBe(0);
    await expectItStandsAlone(loaded);
  });

  it("has what a branch is at, as the server says", async () => {
    await using loaded = await load({ repo, revision: "main", depth: 1 }, settings());
    expect(await loaded.text("a.txt")).toBe("one\n");
    // The names only.
    expect(server.requests).toEqual(expect.arrayContaining([expect.stringMatching(/^GET .*info\/refs$/)]));
    expect(loaded.observed.transfer.tally.bytes).toBe(0);
    expect(await loaded.git("rev-parse", "main", "origin/main")).toBe([old, old].join("\n"));
    await expectItStandsAlone(loaded);
  });

  it("that is behind is not believed", async () => {
    const commit = await repository.commit("two", { "a.txt": "two\n" });
    for (const [at, fallbacks] of [
      [{ revision: "main", depth: 1 }, ["the mirror lacks the commit"]],
      [{ revision: commit, depth: 1 }, ["the mirror lacks the commit"]],
      [{ revision: "main" }, []],
      [{ depth: 1 }, []],
      [{}, []],
    ] as const) {
      await using loaded = await load({ repo, ...at }, settings());
      expect(await loaded.git("rev-parse", "HEAD")).toBe(commit);
      expect(await loaded.text("a.txt")).toBe("two\n");
      expect(await loaded.git("rev-list", "--count", "HEAD")).toBe("depth" in at ? "1" : "2");
      expect(fallbacksOf(loaded.observed)).toEqual(fallbacks);
    }
  });

  it("lends a whole clone what it has, and the clone keeps it", async () => {
    const commit = await repository.commit("two", { "a.txt": "two\n" });
    await repository.git("tag", "v2");
    await using loaded = await load({ repo, revision: "v2" }, settings());
    expect(await loaded.git("rev-parse", "HEAD", "origin/main", "main")).toBe(
      [commit, commit, commit].join("\n"),
    );
    expect(await loaded.git("rev-list", "--count", "HEAD")).toBe("2");
    // The large file came from the mirror.
    expect(loaded.observed.transfer.tally.bytes).toBeLessThan(10_000);
    expect(loaded.observed.attributes).toMatchObject({ "argo.git.mirror": mirror });
    await expectItStandsAlone(loaded);
  });

  it("that is broken is passed over, and that is told", async () => {
    await rm(join(mirror, "objects"), { recursive: true });
    await mkdir(join(mirror, "objects"));
    await writeFile(join(mirror, "packed-refs"), `${"1".repeat(40)} refs/heads/main\n`);
    for (const at of [{ revision: "main", depth: 1 }, { revision: "main" }, {}]) {
      await using loaded = await load({ repo, ...at }, settings());
      expect(await loaded.text("a.txt")).toBe("one\n");
      expect(fallbacksOf(loaded.observed)).toEqual([
        expect.stringMatching(/^the mirror (cannot be read|lacks the commit)$/),
      ]);
      expect(loaded.observed.warnings).toEqual([]);
    }
  });

  it("has submodules, too", async () => {
    await using parent = await createGitRepository();
    await parent.commitSubmodule({ path: "sub", url: repo, commit: old });
    for (const depth of [0, 1]) {
      await using loaded = await load({ repo: parent.path, depth }, settings());
      expect(await loaded.text("sub/a.txt")).toBe("one\n");
      expect(await gitIn(join(loaded.path, "sub"), "remote", "get-url", "origin")).toBe(repo);
    }
    expect(server.requests).toEqual([]);
    await parent.git("rm", "-q", "--cached", "sub");
    const newer = await repository.commit("two", { "a.txt": "two\n" });
    await parent.git("update-index", "--add", "--cacheinfo", `160000,${newer},sub`);
    await parent.git("commit", "--quiet", "-m", "newer");
    for (const depth of [0, 1]) {
      await using loaded = await load({ repo: parent.path, depth }, settings());
      expect(await loaded.text("sub/a.txt")).toBe("two\n");
      expect(fallbacksOf(loaded.observed)).toEqual(["the mirror lacks the commit"]);
    }
  });

  it("of another repository is left alone", async () => {
    await using other = await createGitRepository();
    await other.commit("other", { "a.txt": "other\n" });
    await using loaded = await load({ repo: other.path, depth: 1 }, settings());
    expect(await loaded.text("a.txt")).toBe("other\n");
    expect(loaded.observed.attributes["argo.git.mirror"]).toBeUndefined();
  });
});
