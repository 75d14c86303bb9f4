import { existsSync } from "node:fs";
import { readdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import {
  type GitServer,
  type GitServerOptions,
  startGitServer,
} from "../../../../test/support/git-server.ts";
import {
  createLfsServer,
  type LfsServer,
  type LfsServerOptions,
  lfsPointer,
  whyNoLfs,
} from "../../../../test/support/lfs-server.ts";
import { processesWith } from "../../../../test/support/processes.ts";
import { observedTransfer, patternedBytes, secretsOf, temporaryDirectory } from "../test-support.ts";
import { load, phasesOf, settingsFrom } from "./git-test-support.ts";

const LARGE = patternedBytes(200_000);
const OTHER = patternedBytes(100_000);
const ON = settingsFrom({ SKEIN_GIT_LFS: "true" });
const ATTRIBUTES = "*.bin filter=lfs diff=lfs merge=lfs -text\n";

describe.skipIf(whyNoLfs() !== undefined)(`large files ${whyNoLfs() ?? ""}`, () => {
  let repository: GitRepository;
  let root: string;
  let path: string;
  let commit: string;

  beforeAll(async () => {
    repository = await createGitRepository();
    root = dirname(repository.path);
    path = `${repository.path.slice(root.length)}/.git`;
    commit = await repository.commit("large files", {
      ".gitattributes": ATTRIBUTES,
      "a.txt": "small\n",
      "models/large.bin": lfsPointer(LARGE),
      "data/other.bin": lfsPointer(OTHER),
    });
  });

  afterAll(() => repository[Symbol.asyncDispose]());

  interface Servers {
    url: string;
    git: GitServer;
    lfs: LfsServer;
  }

  const withServers = async (
    options: Partial<LfsServerOptions>,
    use: (servers: Servers) => Promise<void>,
    git: GitServerOptions = {},
  ): Promise<void> => {
    const lfs = createLfsServer({ contents: [LARGE, OTHER], ...options });
    await using server = await startGitServer(root, { ...git, intercept: lfs.intercept });
    await use({ url: `${server.url}${path}`, git: server, lfs });
  };

  it("are fetched when that is switched on, with a depth or without", async () => {
    await withServers({}, async ({ url, lfs }) => {
      for (const at of [{}, { revision: "main", depth: 1 }]) {
        await using loaded = await load({ repo: url, ...at }, ON);
        expect(await readFile(join(loaded.path, "models/large.bin"))).toEqual(LARGE);
        expect(await readFile(join(loaded.path, "data/other.bin"))).toEqual(OTHER);
        expect(phasesOf(loaded.observed)).toContain("filter");
        const { bytes, unpackedBytes, files } = loaded.observed.transfer.tally;
        expect(bytes).toBeGreaterThan(300_000);
        expect([files, unpackedBytes > 300_000]).toEqual([4, true]);
        expect(loaded.observed.warnings).toEqual([]);
        // git-lfs would like to have its hooks everywhere.
        expect(existsSync(join(loaded.path, ".git/hooks"))).toBe(false);
        expect(await readFile(join(loaded.path, ".git/config"), "utf8")).not.toMatch(/filter|credential/);
      }
      expect(lfs.given).toHaveLength(4);
    });
  });

  it("stay pointers otherwise, and that is said", async () => {
    await withServers({}, async ({ url, lfs }) => {
      for (const settings of [settingsFrom({}), settingsFrom({ SKEIN_GIT_LFS: "other=true" })]) {
        await using loaded = await load({ repo: url }, settings);
        expect(await loaded.text("models/large.bin")).toBe(lfsPointer(LARGE));
        expect(loaded.observed.warnings).toEqual([
          "git: the repository uses LFS, and large files are left as pointers: SKEIN_GIT_LFS fetches them",
        ]);
      }
      expect(lfs.given).toEqual([]);
    });
  });

  it("cost nothing where a repository has none", async () => {
    await using plain = await createGitRepository();
    await plain.commit("one", { "a.txt": "one\n" });
    const asked: string[] = [];
    await using server = await startGitServer(plain.path, {
      intercept: ({ url }) => asked.push(url ?? "") < 0,
    });
    await using loaded = await load({ repo: `${server.url}/.git` }, ON);
    expect(await loaded.text("a.txt")).toBe("one\n");
    expect(asked.filter((url) => url.includes("lfs"))).toEqual([]);
    expect(existsSync(join(loaded.path, ".git/lfs"))).toBe(false);
  });

  it("are fetched with the repository's credentials", async () => {
    const login = { username: "ann", password: "of-the-large-files" };
    const secrets = secretsOf({ "git/user": login.username, "git/password": login.password });
    const at = {
      usernameSecret: { name: "git", key: "user" },
      passwordSecret: { name: "git", key: "password" },
    };
    await withServers(
      login,
      async ({ url }) => {
        await using loaded = await load({ repo: url, ...at }, { ...ON, secrets });
        expect(await readFile(join(loaded.path, "models/large.bin"))).toEqual(LARGE);
        const left = await runCommand("grep", ["-rl", login.password, loaded.path]).catch(() => "");
        expect(left).toBe("");
      },
      login,
    );
  });

  it("of a server that the repository names are fetched without its credentials", async () => {
    const login = { username: "ann", password: "of-the-repository" };
    const elsewhere = createLfsServer({ contents: [LARGE, OTHER], username: "bob", password: "x" });
    await using stranger = await startGitServer(root, { intercept: elsewhere.intercept });
    await using owner = await createGitRepository();
    await owner.commit("elsewhere", {
      ".gitattributes": ATTRIBUTES,
      ".lfsconfig": `[lfs]\n\turl = ${stranger.url}/x/info/lfs\n`,
      "large.bin": lfsPointer(LARGE),
    });
    await using server = await startGitServer(owner.path, login);
    const repo = `${server.url.replace("://", `://${login.username}:${login.password}@`)}/.git`;
    await expect(load({ repo }, ON)).rejects.toMatchObject({ code: "git.authentication_failed" });
    expect(elsewhere.authorizations.length).toBeGreaterThan(0);
    expect(elsewhere.authorizations.filter((header) => header !== undefined)).toEqual([]);
  });

  it("of this machine are given to no remote repository", async () => {
    await using owner = await createGitRepository();
    await owner.commit("hostile", {
      ".gitattributes": ATTRIBUTES,
      ".lfsconfig": `[lfs]\n\turl = file://${repository.path}\n`,
      "large.bin": lfsPointer(LARGE),
    });
    await using server = await startGitServer(owner.path);
    await expect(load({ repo: `${server.url}/.git` }, ON)).rejects.toMatchObject({
      code: "git.refused",
      message: expect.stringContaining("lfs.url must be an https, http or ssh address"),
    });
  });

  it("are fetched only for the directories that were chosen", async () => {
    await withServers({}, async ({ url, lfs }) => {
      const settings = settingsFrom({ SKEIN_GIT_LFS: "true", SKEIN_GIT_SPARSE: "models" });
      await using loaded = await load({ repo: url }, settings);
      expect(await readFile(join(loaded.path, "models/large.bin"))).toEqual(LARGE);
      expect(lfs.given).toHaveLength(1);
    });
  });

  it("of submodules come, too", async () => {
    await using parent = await createGitRepository();
    await parent.commitSubmodule({ path: "sub", url: `../..${path}`, commit });
    await withServers({}, async ({ git }) => {
      const repo = `${git.url}${parent.path.slice(root.length)}/.git`;
      await using loaded = await load({ repo, depth: 1 }, ON);
      expect(await readFile(join(loaded.path, "sub/models/large.bin"))).toEqual(LARGE);
    });
  });

  it("that were never pushed are named, with what to do", async () => {
    await withServers({ contents: [LARGE] }, async ({ url }) => {
      await expect(load({ repo: url }, ON)).rejects.toMatchObject({
        code: "git.lfs_failed",
        transient: false,
        message: expect.stringMatching(/failed to checkout .*data\/other\.bin/s),
        remedy: expect.stringContaining("never pushed"),
      });
    });
  });

  it("are asked for again after an answer that says later", async () => {
    let refusals = 1;
    const intercept: LfsServerOptions["intercept"] = ({ url }, response) => {
      if (!url?.endsWith("/batch") || refusals-- <= 0) return false;
      response.writeHead(503).end("{}");
      return true;
    };
    await withServers({ intercept }, async ({ url }) => {
      await using loaded = await load({ repo: url }, ON);
      expect(await readFile(join(loaded.path, "models/large.bin"))).toEqual(LARGE);
    });
  });

  it("are no longer fetched when the deadline has come", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    let running: string[] = [];
    const intercept: LfsServerOptions["intercept"] = ({ url }) => {
      if (url?.endsWith("/batch")) return false;
      running = processesWith(path).map(({ commandLine }) => commandLine);
      asked.resolve();
      return true; // and never an answer
    };
    await withServers({ intercept }, async ({ url }) => {
      const observed = observedTransfer({ signal: controller.signal });
      const loading = load({ repo: url }, ON, observed);
      await asked.promise;
      const [lfs] = processesWith("GIT_").filter(({ commandLine }) => commandLine.startsWith("git-lfs"));
      controller.abort(new Error("deadline"));
      await expect(loading).rejects.toThrow("deadline");
      expect(lfs?.commandLine).toBe("git-lfs filter-process");
      expect(processesWith("GIT_").map(({ pid }) => pid)).not.toContain(lfs?.pid);
    });
    expect(running).toEqual([]);
  });

  it("need git-lfs, which is missed by name", async () => {
    await using directory = await temporaryDirectory();
    const git = (await runCommand("sh", ["-c", "command -v git"])).trim();
    await symlink(git, join(directory.path, "git"));
    await withServers({}, async ({ url }) => {
      const settings = settingsFrom({ SKEIN_GIT_LFS: "true", PATH: directory.path });
      await expect(load({ repo: url }, settings)).rejects.toMatchObject({
        code: "git.lfs_failed",
        remedy: expect.stringContaining("an executor image that has git-lfs"),
      });
    });
    expect(await readdir(directory.path)).toEqual(["git"]);
  });
});
