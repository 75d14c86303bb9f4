import { readdir, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type GitServerOptions, startGitServer } from "../../../../test/support/git-server.ts";
import { fallbacksOf, load, settingsFrom } from "./git-test-support.ts";

let repository: GitRepository;
let repo: string;
let first: string;
let second: string;
let feature: string;
let aside: string;
let lost: string;

beforeAll(async () => {
  repository = await createGitRepository();
  repo = `file://${repository.path}`;
  first = await repository.commit("one", { "a.txt": "one\n" });
  second = await repository.commit("two", { "a.txt": "two\n", "deep/b.txt": "bb" });
  await repository.git("tag", "-a", "v1", "-m", "version 1", first);
  await repository.git("checkout", "--quiet", "-b", "feature/x", first);
  feature = await repository.commit("three", { "c.txt": "three" });
  await repository.git("checkout", "--quiet", "--detach", first);
  aside = await repository.commit("beside every branch", { "a.txt": "aside\n" });
  await repository.git("tag", "-a", "aside", "-m", "beside every branch");
  lost = await repository.commit("of no branch and no tag", { "a.txt": "lost\n" });
  await repository.git("update-ref", "refs/changes/01/1/1", feature);
  await repository.git("checkout", "--quiet", "main");
});

afterAll(() => repository[Symbol.asyncDispose]());

describe("a revision", () => {
  it.each<[string, () => Partial<GitLocation>, () => string, string]>([
    ["a branch", () => ({ revision: "feature/x" }), () => feature, "one\n"],
    ["a branch of the remote", () => ({ revision: "origin/feature/x" }), () => feature, "one\n"],
    ["a tag", () => ({ revision: "v1" }), () => first, "one\n"],
    ["a tag beside every branch", () => ({ revision: "aside" }), () => aside, "aside\n"],
    ["what a tag is of", () => ({ revision: "v1^{}" }), () => first, "one\n"],
    ["a commit", () => ({ revision: first }), () => first, "one\n"],
    ["a commit of no branch and no tag", () => ({ revision: lost }), () => lost, "lost\n"],
    ["a short hash", () => ({ revision: first.slice(0, 9) }), () => first, "one\n"],
    ["an ancestor", () => ({ revision: "main~1" }), () => first, "one\n"],
    ["an ancestor of the default branch", () => ({ revision: "HEAD~1" }), () => first, "one\n"],
    ["the default branch", () => ({ revision: "@" }), () => second, "two\n"],
    ["a full name", () => ({ revision: "refs/heads/main" }), () => second, "two\n"],
    ["words of a message", () => ({ revision: ":/three" }), () => feature, "one\n"],
    ["a name of another kind", () => ({ revision: "refs/changes/01/1/1" }), () => feature, "one\n"],
    [
      "one of a single branch",
      () => ({ revision: second, singleBranch: true, branch: "main" }),
      () => second,
      "two\n",
    ],
    [
      "one deep in a single branch",
      () => ({ revision: first, singleBranch: true, branch: "main" }),
      () => first,
      "one\n",
    ],
    [
      "a tag beside a single branch",
      () => ({ revision: "aside", singleBranch: true, branch: "main" }),
      () => aside,
      "aside\n",
    ],
  ])("can be %s, with a depth or without", async (_what, at, commit, text) => {
    for (const depth of [0, 1]) {
      await using loaded = await load({ repo, depth, ...at() });
      expect(await loaded.git("rev-parse", "HEAD")).toBe(commit());
      expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD"); // detached
      expect(await loaded.text("a.txt")).toBe(text);
      expect(await loaded.git("status", "--porcelain")).toBe("");
      expect(await loaded.git("remote", "get-url", "origin")).toBe(repo);
      expect(loaded.observed.attributes).toMatchObject({ "vcs.ref.head.revision": commit() });
    }
  });

  it("leaves all branches and tags behind, as upstream does", async () => {
    await using loaded = await load({ repo, revision: "v1" });
    const refs = await loaded.git("for-each-ref", "--format=%(refname)");
    expect(refs.split("\n")).toEqual([
      "refs/heads/feature/x",
      "refs/heads/main",
      "refs/remotes/origin/HEAD",
      "refs/remotes/origin/feature/x",
      "refs/remotes/origin/main",
      "refs/tags/aside",
      "refs/tags/v1",
    ]);
    expect(await loaded.git("config", "--get-all", "remote.origin.fetch")).toBe(
      "+refs/heads/*:refs/remotes/origin/*",
    );
  });

  it.each([
    ["main", ["refs/heads/main", "refs/remotes/origin/main"], "branch"],
    ["v1", ["refs/tags/v1"], "tag"],
    ["main~1", ["refs/heads/main", "refs/remotes/origin/main"], "branch"],
  ])("%s with a depth comes alone, with its name", async (revision, refs, kind) => {
    await using loaded = await load({ repo, revision, depth: 1 });
    expect((await loaded.git("for-each-ref", "--format=%(refname)")).split("\n")).toEqual(refs);
    expect(await loaded.git("rev-list", "--count", "HEAD")).toBe("1");
    expect(loaded.observed.attributes).toMatchObject({
      "vcs.ref.head.name": revision.replace("~1", ""),
      "vcs.ref.head.type": kind,
    });
    expect(fallbacksOf(loaded.observed)).toEqual([]);
  });

  it("with a depth brings a single branch along", async () => {
    const at = { repo, revision: "v1", singleBranch: true, branch: "main", depth: 1 };
    await using loaded = await load(at);
    expect(await loaded.git("rev-parse", "HEAD", "main", "origin/main")).toBe(
      [first, second, second].join("\n"),
    );
    expect(await loaded.git("config", "remote.origin.fetch")).toBe(
      "+refs/heads/main:refs/remotes/origin/main",
    );
  });

  it("is of the tag where a branch is called the same, as git itself has it", async () => {
    await using other = await createGitRepository();
    const tagged = await other.commit("one", { "a.txt": "tag\n" });
    await other.git("tag", "same");
    await other.commit("two", { "a.txt": "branch\n" });
    await other.git("branch", "same");
    for (const depth of [0, 1]) {
      await using loaded = await load({ repo: other.path, revision: "same", depth });
      expect(await loaded.git("rev-parse", "HEAD")).toBe(tagged);
    }
  });

  it("that does not exist is named", async () => {
    for (const at of [{ depth: 1 }, { depth: 0 }, { singleBranch: true, branch: "main" }]) {
      await expect(load({ repo, revision: "no-such", ...at })).rejects.toMatchObject({
        code: "git.revision_not_found",
        message: expect.stringContaining('"no-such" is neither a branch, a tag nor a commit'),
      });
    }
  });

  it("may come from another ref that was fetched", async () => {
    for (const depth of [0, 1]) {
      const fetch = ["refs/changes/*:refs/remotes/origin/changes/*"];
      await using loaded = await load({ repo, fetch, depth, revision: "origin/changes/01/1/1" });
      expect(await loaded.git("rev-parse", "HEAD")).toBe(feature);
    }
  });

  it("may be of a repository of SHA-256", async () => {
    await using other = await createGitRepository({ objectFormat: "sha256" });
    const commit = await other.commit("one", { "a.txt": "long\n" });
    for (const at of [{ revision: commit }, { revision: "main" }, {}]) {
      await using loaded = await load({ repo: other.path, depth: 1, ...at });
      expect(await loaded.git("rev-parse", "HEAD")).toBe(commit);
    }
  });
});

describe("a clone", () => {
  it("is on the default branch, with all branches and tags", async () => {
    await using loaded = await load({ repo: repository.path });
    expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("main");
    expect(await loaded.git("rev-parse", "origin/feature/x")).toBe(feature);
    expect(await loaded.git("tag")).toBe("aside\nv1");
    expect(await loaded.git("status", "--porcelain")).toBe("");
    expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD@{upstream}")).toBe("origin/main");
    expect(loaded.observed.attributes).toEqual({
      "vcs.ref.head.revision": second,
      "vcs.ref.head.name": "main",
      "vcs.ref.head.type": "branch",
    });
    const { tally, clock } = loaded.observed.transfer;
    expect(tally).toMatchObject({ files: 2, unpackedBytes: 6 });
    expect(tally.bytes).toBeGreaterThan(0);
    expect(clock.read().disk).toBeGreaterThan(0);
  });

  it("has only the branch and the depth that were asked for", async () => {
    await using loaded = await load({ repo, singleBranch: true, branch: "feature/x", depth: 1 });
    expect(await loaded.git("rev-parse", "HEAD")).toBe(feature);
    expect(await loaded.git("rev-list", "--count", "--all")).toBe("1");
    expect(await loaded.git("branch", "--remotes")).toBe("origin/feature/x");
  });

  it("with a depth can be made deeper and wider later", async () => {
    await using loaded = await load({ repo, depth: 1 });
    expect(await loaded.git("rev-list", "--count", "--all")).toBe("1");
    await loaded.git("fetch", "--quiet", "--unshallow");
    expect(await loaded.git("rev-list", "--count", "HEAD")).toBe("2");
    expect(await loaded.git("rev-parse", "origin/feature/x")).toBe(feature);
  });

  it("of a single branch needs its name", async () => {
    await expect(load({ repo: repository.path, singleBranch: true })).rejects.toThrow(
      "single branch mode without a branch specified",
    );
  });

  it("of all branches is on the default one, whatever branch says, as upstream's is", async () => {
    await using loaded = await load({ repo, branch: "feature/x" });
    expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("main");
    expect(loaded.observed.warnings).toEqual(['git: branch "feature/x" counts only with singleBranch']);
  });

  it("takes refspecs under fetch, also one for the branch it is on", async () => {
    const fetch = [
      "refs/changes/*:refs/changes/*",
      "+refs/heads/*:refs/heads/*",
      "refs/tags/v1:refs/extra/v1",
    ];
    for (const depth of [0, 1]) {
      await using loaded = await load({ repo, fetch, depth });
      expect(await loaded.git("rev-parse", "HEAD", "refs/changes/01/1/1", "feature/x")).toBe(
        [second, feature, feature].join("\n"),
      );
      expect(await loaded.git("cat-file", "-t", "refs/extra/v1")).toBe("tag");
      expect(await loaded.git("status", "--porcelain")).toBe("");
    }
  });

  it("says which refspec does not fit", async () => {
    await expect(load({ repo, fetch: ["refs/none/a:refs/none/a"] })).rejects.toMatchObject({
      code: "git.revision_not_found",
      message: expect.stringContaining("failed to fetch refs/none/a:refs/none/a: "),
    });
  });

  it("is not writable for all, although the executor runs without a umask", async () => {
    const before = process.umask(0);
    try {
      await using loaded = await load({ repo });
      const modeOf = async (path: string) => ((await stat(join(loaded.path, path))).mode & 0o777).toString(8);
      expect([await modeOf("deep"), await modeOf("deep/b.txt")]).toEqual(["755", "644"]);
      expect(process.umask()).toBe(0);
    } finally {
      process.umask(before);
    }
  });

  it("of an empty repository is a success", async () => {
    await using empty = await createGitRepository();
    await using plain = await load({ repo: empty.path });
    expect(await readdir(plain.path)).toEqual([".git"]);
    expect(await plain.git("config", "branch.master.remote")).toBe("origin");
    for (const depth of [0, 1]) {
      await using branched = await load({ repo: empty.path, revision: "release", depth });
      // Upstream's, whatever the revision is.
      expect(await branched.git("config", "branch.release.merge")).toBe("refs/heads/master");
      expect(await branched.git("remote", "get-url", "origin")).toBe(empty.path);
    }
  });
});

describe("a server", () => {
  const withServer = async (options: GitServerOptions, use: (url: string) => Promise<void>) => {
    await using server = await startGitServer(dirname(repository.path), options);
    await use(`${server.url}${repository.path.slice(dirname(repository.path).length)}/.git`);
  };

  it("that gives no single commits away gives all there is", async () => {
    await repository.git("config", "uploadpack.allowAnySHA1InWant", "false");
    try {
      await withServer({ isOld: true }, async (url) => {
        await using loaded = await load({ repo: url, revision: first, depth: 1 });
        expect(await loaded.git("rev-parse", "HEAD")).toBe(first);
        expect(fallbacksOf(loaded.observed)).toEqual([
          "the server has no such name, or gives no single commits away",
        ]);
        await expect(load({ repo: url, revision: lost, depth: 1 })).rejects.toMatchObject({
          code: "git.revision_not_found",
        });
      });
    } finally {
      await repository.git("config", "uploadpack.allowAnySHA1InWant", "true");
    }
  });

  it("of plain files gives all there is, whatever the depth", async () => {
    await repository.git("update-server-info");
    await withServer({ isDumb: true }, async (url) => {
      for (const at of [{ revision: "v1" }, {}]) {
        await using loaded = await load({ repo: url, depth: 1, ...at });
        expect(await loaded.text("a.txt")).toBe(at.revision ? "one\n" : "two\n");
        expect(fallbacksOf(loaded.observed)).toEqual(["the server gives no shallow history"]);
      }
    });
  });

  it("of plain files gives the size of what came, as far as it is packed", async () => {
    await using packed = await createGitRepository();
    await packed.commit("one", { "a.txt": "one\n" });
    await packed.git("repack", "-a", "-d", "-q");
    await packed.git("update-server-info");
    await using server = await startGitServer(packed.path, { isDumb: true });
    await using loaded = await load({ repo: `${server.url}/.git` });
    expect(loaded.observed.transfer.tally.bytes).toBeGreaterThan(100);
  });
});

describe("directories that were chosen", () => {
  const sparse = (value: string) => settingsFrom({ SKEIN_GIT_SPARSE: value });

  it("are checked out, with the files above them and nothing else", async () => {
    await using wide = await createGitRepository();
    await wide.commit("one", { top: "t", "a/x": "x", "a/b/y": "y", "c/z": "z" });
    for (const at of [{}, { revision: "main" }, { revision: "main", depth: 1 }]) {
      await using loaded = await load({ repo: wide.path, ...at }, sparse("a/b"));
      expect(
        (await readdir(loaded.path, { recursive: true })).filter((path) => !path.startsWith(".git")).sort(),
      ).toEqual(["a", "a/b", "a/b/y", "a/x", "top"]);
      expect(await loaded.git("status", "--porcelain")).toBe("");
      expect(loaded.observed.transfer.tally.files).toBe(3);
    }
  });

  it("that the commit has not are named", async () => {
    await using loaded = await load({ repo }, sparse("deep,dep"));
    expect(await loaded.text("deep/b.txt")).toBe("bb");
    expect(loaded.observed.warnings).toEqual(["git: the commit has no directory dep"]);
  });

  it("may be another artifact's", async () => {
    await using loaded = await load({ repo }, sparse("other=deep"));
    expect(await loaded.text("deep/b.txt")).toBe("bb");
  });

  it("come with no more than their own blobs, when the server need not send the others", async () => {
    await using wide = await createGitRepository();
    await wide.commit("one", { "a/x": "x", "b/y": "large ".repeat(100) });
    await using server = await startGitServer(wide.path);
    const settings = settingsFrom({ SKEIN_GIT_SPARSE: "a", SKEIN_GIT_FILTER: "blob:none" });
    for (const at of [{}, { revision: "main", depth: 1 }]) {
      await using loaded = await load({ repo: `${server.url}/.git`, ...at }, settings);
      expect(await loaded.text("a/x")).toBe("x");
      const missing = await loaded.git("rev-list", "--objects", "--missing=print", "HEAD");
      expect(missing.split("\n").filter((line) => line.startsWith("?"))).toHaveLength(1);
      expect(loaded.observed.transfer.tally).toMatchObject({ files: 1, unpackedBytes: 1 });
    }
  });
});
