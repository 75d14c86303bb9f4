import { readdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type GitServerOptions, startGitServer } from "../../../../test/support/git-server.ts";
import { observedTransfer, secretsOf, temporaryDirectory } from "../test-support.ts";
import { fallbacksOf, gitIn, load, settingsFrom } from "./git-test-support.ts";

/** `deep` is in `lib` is in `parent`; addresses are relative, as they mostly are. */
let deep: GitRepository;
let lib: GitRepository;
let parent: GitRepository;
let root: string;
let libCommit: string;
const nameOf = (repository: GitRepository) =>
  `${repository.path.slice(dirname(repository.path).length + 1)}/.git`;

beforeAll(async () => {
  [deep, lib, parent] = await Promise.all([
    createGitRepository(),
    createGitRepository(),
    createGitRepository(),
  ]);
  root = dirname(parent.path);
  const deepCommit = await deep.commit("deep", { "d.txt": "deep\n" });
  await lib.commit("one", { "l.txt": "one\n" });
  libCommit = await lib.commitSubmodule({ path: "nested", url: `../../${nameOf(deep)}`, commit: deepCommit });
  await lib.commit("not what is wanted", { "l.txt": "two\n" });
  await parent.commit("parent", { "p.txt": "parent\n" });
  await parent.commitSubmodule({
    name: "the lib",
    path: "vendor/lib",
    url: `../../${nameOf(lib)}`,
    commit: libCommit,
  });
});

afterAll(async () => {
  for (const repository of [deep, lib, parent]) await repository[Symbol.asyncDispose]();
});

async function withServer(options: GitServerOptions, use: (url: string) => Promise<void>): Promise<void> {
  await using server = await startGitServer(root, options);
  await use(server.url);
}

/** A parent of its own with one submodule. */
async function parentOf(submodule: { path?: string; url: string; commit: string; more?: string }) {
  const repository = await createGitRepository();
  await repository.commit("parent", {});
  await repository.commitSubmodule({ path: "x", ...submodule });
  return repository;
}

describe("submodules", () => {
  it("come along with theirs, at the commits that are wanted, with a depth or without", async () => {
    await withServer({}, async (url) => {
      for (const at of [{}, { depth: 1 }, { revision: "main", depth: 1 }]) {
        await using loaded = await load({ repo: `${url}/${nameOf(parent)}`, ...at });
        expect(await loaded.text("vendor/lib/l.txt")).toBe("one\n");
        expect(await loaded.text("vendor/lib/nested/d.txt")).toBe("deep\n");
        const status = await loaded.git("submodule", "status", "--recursive");
        expect(status.split("\n").map((line) => line.trim().split(" ")[1])).toEqual([
          "vendor/lib",
          "vendor/lib/nested",
        ]);
        expect(status).not.toMatch(/^[-+U]/m);
        expect(await loaded.git("status", "--porcelain")).toBe("");
        expect(loaded.observed.attributes).toMatchObject({ "argo.git.submodules": 2 });
        expect(loaded.observed.transfer.tally.files).toBe(5);
        const inLib = join(loaded.path, "vendor/lib");
        expect(await gitIn(inLib, "rev-list", "--count", "HEAD")).toBe(at.depth ? "1" : "2");
        expect(await gitIn(inLib, "remote", "get-url", "origin")).toBe(`${url}/${nameOf(lib)}`);
        const told = loaded.observed.events.filter(
          ({ attributes }) => attributes["argo.git.phase"] === "submodule",
        );
        expect(told.map(({ attributes }) => attributes["argo.git.submodule"])).toEqual([
          "vendor/lib",
          "vendor/lib/nested",
        ]);
      }
    });
  });

  it("still work when the artifact is moved: nothing in them is an absolute path", async () => {
    await using loaded = await load({ repo: `${parent.path}/.git` });
    await using elsewhere = await temporaryDirectory();
    const moved = join(elsewhere.path, "moved");
    await rename(loaded.path, moved);
    expect(await gitIn(join(moved, "vendor/lib/nested"), "status", "--porcelain")).toBe("");
    expect(await readFile(join(moved, "vendor/lib/.git"), "utf8")).toBe(
      "gitdir: ../../.git/modules/the lib\n",
    );
    await rename(moved, loaded.path);
  });

  it("can be updated by whoever gets the artifact", async () => {
    await using loaded = await load({ repo: `${parent.path}/.git`, depth: 1 });
    await gitIn(join(loaded.path, "vendor/lib"), "fetch", "--quiet", "--unshallow", "origin");
    await gitIn(join(loaded.path, "vendor/lib"), "checkout", "--quiet", "origin/main");
    expect(await loaded.text("vendor/lib/l.txt")).toBe("two\n");
  });

  it("are left out when the artifact says so", async () => {
    await using bare = await load({ repo: `${parent.path}/.git`, disableSubmodules: true });
    expect(await readdir(join(bare.path, "vendor/lib"))).toEqual([]);
  });

  it("come with one commit where their authors say that it is enough", async () => {
    await using owner = await parentOf({
      url: `${lib.path}/.git`,
      commit: libCommit,
      more: "\tshallow = true\n",
    });
    await using loaded = await load({ repo: owner.path });
    expect(await gitIn(join(loaded.path, "x"), "rev-list", "--count", "HEAD")).toBe("1");
  });

  it("are fetched at the same time", async () => {
    await using owner = await createGitRepository();
    for (const path of ["a", "b"])
      await owner.commitSubmodule({ path, url: `../../${nameOf(lib)}?${path}`, commit: libCommit });
    const begun = new Map<string, () => void>();
    const both = ["a", "b"].map((which) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      begun.set(which, resolve);
      return promise;
    });
    const listeners = new Set<string>();
    await withServer(
      {
        // Neither gets an answer before both have asked.
        intercept({ url }, response) {
          const which = /\?([ab])\//.exec(url ?? "")?.[1];
          if (which === undefined) return false;
          listeners.add(which);
          begun.get(which)?.();
          void Promise.all(both).then(() => response.writeHead(404).end());
          return true;
        },
      },
      async (url) => {
        await expect(load({ repo: `${url}/${nameOf(owner)}` })).rejects.toMatchObject({
          code: "git.repository_not_found",
        });
        expect([...listeners].sort()).toEqual(["a", "b"]);
      },
    );
  });

  it("of a server that gives no single commits away come with all there is", async () => {
    await lib.git("config", "uploadpack.allowAnySHA1InWant", "false");
    try {
      await withServer({ isOld: true }, async (url) => {
        await using loaded = await load({ repo: `${url}/${nameOf(parent)}`, depth: 1 });
        expect(await loaded.text("vendor/lib/l.txt")).toBe("one\n");
        expect(fallbacksOf(loaded.observed)).toEqual([
          "the server has no such commit, or gives no single commits away",
        ]);
      });
    } finally {
      await lib.git("config", "uploadpack.allowAnySHA1InWant", "true");
    }
  });

  it("at a commit of no branch are fetched by its name", async () => {
    await lib.git("checkout", "--quiet", "--detach");
    const commit = await lib.commit("of no branch", { "l.txt": "lost\n" });
    await lib.git("checkout", "--quiet", "main");
    await using owner = await parentOf({ url: `${lib.path}/.git`, commit });
    await using loaded = await load({ repo: owner.path });
    expect(await loaded.text("x/l.txt")).toBe("lost\n");
  });

  it("outside of the directories that were chosen are left out", async () => {
    const settings = settingsFrom({ SKEIN_GIT_SPARSE: "elsewhere" });
    await using loaded = await load({ repo: `${parent.path}/.git` }, settings);
    expect(await readdir(loaded.path)).not.toContain("vendor");
    expect(loaded.observed.attributes["argo.git.submodules"]).toBeUndefined();
  });

  it("nobody says the origin of are left empty, with a word", async () => {
    await using owner = await createGitRepository();
    await owner.commitSubmodule({ path: "known", url: `${lib.path}/.git`, commit: libCommit });
    await owner.git("update-index", "--add", "--cacheinfo", `160000,${libCommit},stray`);
    await owner.git("commit", "--quiet", "-m", "stray");
    await using loaded = await load({ repo: owner.path });
    expect(await readdir(join(loaded.path, "stray"))).toEqual([]);
    expect(await loaded.text("known/l.txt")).toBe("one\n");
    expect(loaded.observed.warnings).toEqual([
      "git: .gitmodules does not say where the submodule stray is from",
    ]);
  });

  it("are followed as deep as upstream does, and no deeper", async () => {
    const chain: GitRepository[] = [await createGitRepository()];
    try {
      let commit = (await chain[0]?.commit("bottom", { "0": "0" })) ?? "";
      for (let level = 1; level <= 12; level++) {
        const next = await createGitRepository();
        commit = await next.commitSubmodule({ path: "s", url: chain.at(-1)?.path ?? "", commit });
        chain.push(next);
      }
      await using loaded = await load({ repo: chain.at(-1)?.path ?? "", depth: 1 });
      expect(loaded.observed.attributes).toMatchObject({ "argo.git.submodules": 11 });
      expect(loaded.observed.warnings).toEqual([
        `git: submodules below ${Array(11).fill("s").join("/")} are left out: they are nested too deep`,
      ]);
    } finally {
      for (const repository of chain) await repository[Symbol.asyncDispose]();
    }
  });

  it("that cannot be had are named, and nothing runs on", async () => {
    await using owner = await createGitRepository();
    await owner.commitSubmodule({ path: "a/missing", url: "../none.git", commit: libCommit });
    await owner.commitSubmodule({ path: "b", url: `../../${nameOf(lib)}?held`, commit: libCommit });
    // Whoever asks for the second gets no answer: it is ended because the first has failed.
    const intercept: GitServerOptions["intercept"] = ({ url }) => url?.includes("?held") ?? false;
    await withServer({ intercept }, async (url) => {
      await expect(load({ repo: `${url}/${nameOf(owner)}` })).rejects.toMatchObject({
        code: "git.repository_not_found",
        message: expect.stringContaining(`failed to update submodules: a/missing from ${url}/`),
      });
    });
  });
});

describe("credentials for submodules", () => {
  const own = { username: "ann", password: "of-the-parent" };
  const login = (url: string) => url.replace("://", `://${own.username}:${own.password}@`);

  it("are the repository's own on its host", async () => {
    await withServer(own, async (url) => {
      await using loaded = await load({ repo: login(`${url}/${nameOf(parent)}`) });
      expect(await loaded.text("vendor/lib/nested/d.txt")).toBe("deep\n");
      for (const config of [".git/config", ".git/modules/the lib/config"]) {
        expect(await loaded.text(config)).not.toContain(own.password);
      }
    });
  });

  it("are its own, too, where they are named by ssh addresses on its host", async () => {
    await using owner = await createGitRepository();
    await owner.commitSubmodule({ path: "short", url: `git@127.0.0.1:${nameOf(lib)}`, commit: libCommit });
    await owner.commitSubmodule({
      path: "long",
      url: `ssh://git@127.0.0.1/${nameOf(lib)}`,
      commit: libCommit,
    });
    await withServer(own, async (url) => {
      await using loaded = await load({ repo: login(`${url}/${nameOf(owner)}`) });
      expect(await loaded.text("short/l.txt")).toBe("one\n");
      expect(await loaded.text("long/l.txt")).toBe("one\n");
      expect(await gitIn(join(loaded.path, "short"), "remote", "get-url", "origin")).toBe(
        `git@127.0.0.1:${nameOf(lib)}`,
      );
    });
  });

  it("are given to no other host", async () => {
    const asked: (string | undefined)[] = [];
    await using stranger = await startGitServer(root, {
      intercept({ headers }, response) {
        asked.push(headers.authorization);
        response.writeHead(401, { "www-authenticate": 'Basic realm="stranger"' }).end();
        return true;
      },
    });
    await using owner = await parentOf({ url: `${stranger.url}/${nameOf(lib)}`, commit: libCommit });
    await withServer(own, async (url) => {
      await expect(load({ repo: login(`${url}/${nameOf(owner)}`) })).rejects.toMatchObject({
        code: "git.authentication_failed",
        message: expect.stringContaining("failed to update submodules: x from "),
        remedy: expect.stringContaining("SKEIN_GIT_CREDENTIALS"),
      });
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.filter((header) => header !== undefined)).toEqual([]);
  });

  it("of other hosts come from a file, the nearest address first", async () => {
    await using other = await startGitServer(root, { username: "bob", password: "of the/other@host" });
    await using owner = await parentOf({ url: `${other.url}/${nameOf(lib)}`, commit: libCommit });
    await lib.git("config", "core.bare", "false");
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "credentials");
    const password = encodeURIComponent("of the/other@host");
    const deeper = nameOf(lib).split("/")[0];
    await writeFile(
      file,
      [
        "# hosts of ours",
        other.url.replace("://", "://bob:wrong@"),
        `${other.url.replace("://", `://bob:${password}@`)}/${deeper}`,
        `${other.url.replace("://", `://bob:${password}@`)}/${dirname(nameOf(deep))}`,
        "",
      ].join("\n"),
    );
    await withServer(own, async (url) => {
      const settings = settingsFrom({ SKEIN_GIT_CREDENTIALS: file });
      await using loaded = await load({ repo: login(`${url}/${nameOf(owner)}`) }, settings);
      expect(await loaded.text("x/nested/d.txt")).toBe("deep\n");
    });
  });

  it("that stand in a submodule's own address go to its host, and are not kept", async () => {
    const its = { username: "bob", password: "of-the-submodule" };
    await using other = await startGitServer(root, its);
    const url = `${other.url.replace("://", `://${its.username}:${its.password}@`)}/${nameOf(lib)}`;
    await using owner = await parentOf({ url, commit: libCommit });
    await withServer(own, async (server) => {
      await using loaded = await load({ repo: login(`${server}/${nameOf(owner)}`) });
      expect(await loaded.text("x/l.txt")).toBe("one\n");
      for (const config of [".git/config", ".git/modules/x/config"]) {
        expect(await loaded.text(config)).not.toContain(its.password);
      }
    });
  });

  it("that are malformed or missing are named by their line, and not repeated", async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "credentials");
    const settings = settingsFrom({ SKEIN_GIT_CREDENTIALS: file });
    await expect(load({ repo: `${parent.path}/.git` }, settings)).rejects.toMatchObject({
      code: "secret.missing",
    });
    await writeFile(file, "\nbob:canary-of-a-credential\n");
    await expect(load({ repo: `${parent.path}/.git` }, settings)).rejects.toMatchObject({
      code: "git.refused",
      message: `${file}:2 is not a credential`,
    });
  });

  it("reach them with a password that came as a secret", async () => {
    const secrets = secretsOf({ "git/user": own.username, "git/password": own.password });
    const at = {
      usernameSecret: { name: "git", key: "user" },
      passwordSecret: { name: "git", key: "password" },
      depth: 1,
    };
    await withServer(own, async (url) => {
      await using loaded = await load(
        { repo: `${url}/${nameOf(parent)}`, ...at },
        { secrets },
        observedTransfer(),
      );
      expect(await loaded.text("vendor/lib/l.txt")).toBe("one\n");
    });
  });
});
