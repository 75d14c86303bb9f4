import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { type GitServerOptions, startGitServer } from "../../../../test/support/git-server.ts";
import { type SshServer, startSshServer, whyNoSshServer } from "../../../../test/support/ssh-server.ts";
import { type ObservedTransfer, observedTransfer, secretsOf, temporaryDirectory } from "../test-support.ts";
import { createGitDriver, type GitDriverOptions } from "./git-driver.ts";
import { parseGitSettings } from "./git-settings.ts";

let repository: GitRepository;
let root: string;
let name: string;
let first: string;
let second: string;
let feature: string;

beforeAll(async () => {
  repository = await createGitRepository();
  root = dirname(repository.path);
  name = repository.path.slice(root.length + 1);
  first = await repository.commit("one", { "a.txt": "one\n" });
  second = await repository.commit("two", { "a.txt": "two\n", "deep/b.txt": "bb" });
  await repository.git("tag", "-a", "v1", "-m", "version 1", first);
  await repository.git("checkout", "--quiet", "-b", "feature/x", first);
  feature = await repository.commit("three", { "c.txt": "three" });
  await repository.git("checkout", "--quiet", "main");
});

afterAll(() => repository[Symbol.asyncDispose]());

const OPTIONS: GitDriverOptions = {
  ...parseGitSettings("", { PATH: process.env.PATH }),
  knownHosts: [],
  name: "source",
  secrets: secretsOf({}),
};

interface Loaded extends AsyncDisposable {
  path: string;
  observed: ObservedTransfer;
  git(...args: string[]): Promise<string>;
  text(file: string): Promise<string>;
}

async function load(
  at: GitLocation,
  options: Partial<GitDriverOptions> = {},
  observed = observedTransfer(),
): Promise<Loaded> {
  const target = await temporaryDirectory();
  try {
    const content = await createGitDriver(at, { ...OPTIONS, ...options }).open(observed.transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    await content.loadInto(target.path);
  } catch (error) {
    await target[Symbol.asyncDispose]();
    throw error;
  }
  const safe = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
  return {
    ...target,
    observed,
    git: async (...args) => (await runCommand("git", args, { cwd: target.path, env: safe })).trim(),
    text: (file) => readFile(join(target.path, file), "utf8"),
  };
}

describe("a revision", () => {
  it.each<[string, () => Partial<GitLocation>, () => string, string]>([
    ["a branch", () => ({ revision: "feature/x" }), () => feature, "one\n"],
    ["a branch, shallow", () => ({ revision: "feature/x", depth: 1 }), () => feature, "one\n"],
    ["a tag", () => ({ revision: "v1" }), () => first, "one\n"],
    ["a tag, shallow", () => ({ revision: "v1", depth: 1 }), () => first, "one\n"],
    ["a commit", () => ({ revision: first }), () => first, "one\n"],
    ["a commit, shallow", () => ({ revision: first, depth: 1 }), () => first, "one\n"],
    ["a short hash", () => ({ revision: first.slice(0, 9) }), () => first, "one\n"],
    ["a short hash, shallow", () => ({ revision: first.slice(0, 9), depth: 1 }), () => first, "one\n"],
    ["an ancestor", () => ({ revision: "main~1" }), () => first, "one\n"],
    ["a full name", () => ({ revision: "refs/heads/main", depth: 1 }), () => second, "two\n"],
    [
      "one of a single branch",
      () => ({ revision: second, singleBranch: true, branch: "main" }),
      () => second,
      "two\n",
    ],
    [
      "one deep in a single branch",
      () => ({ revision: first, singleBranch: true, branch: "main", depth: 1 }),
      () => first,
      "one\n",
    ],
  ])("can be %s", async (_what, at, commit, text) => {
    await using loaded = await load({ repo: `file://${repository.path}`, ...at() });
    expect(await loaded.git("rev-parse", "HEAD")).toBe(commit());
    expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD"); // detached
    expect(await loaded.text("a.txt")).toBe(text);
    expect(await loaded.git("remote", "get-url", "origin")).toBe(`file://${repository.path}`);
    expect(loaded.observed.attributes).toMatchObject({ "vcs.ref.head.revision": commit() });
  });

  it("fetches no more history than the depth says", async () => {
    await using loaded = await load({ repo: `file://${repository.path}`, revision: "main", depth: 1 });
    expect(await loaded.git("rev-list", "--count", "--all")).toBe("1");
  });

  it("that does not exist is named", async () => {
    const loading = load({ repo: `file://${repository.path}`, revision: "no-such", depth: 1 });
    await expect(loading).rejects.toMatchObject({
      code: "git.revision_not_found",
      message: expect.stringContaining('"no-such" is neither a branch, a tag nor a commit'),
    });
  });

  it("may come from another ref that was fetched", async () => {
    await repository.git("update-ref", "refs/changes/01/1/1", feature);
    await using loaded = await load({
      repo: `file://${repository.path}`,
      fetch: ["refs/changes/*:refs/changes/*"],
      revision: "refs/changes/01/1/1",
    });
    expect(await loaded.git("rev-parse", "HEAD")).toBe(feature);
  });
});

describe("a clone", () => {
  it("is on the default branch, with all branches and tags", async () => {
    await using loaded = await load({ repo: repository.path });
    expect(await loaded.git("rev-parse", "--abbrev-ref", "HEAD")).toBe("main");
    expect(await loaded.git("rev-parse", "origin/feature/x")).toBe(feature);
    expect(await loaded.git("tag")).toBe("v1");
    expect(await loaded.git("status", "--porcelain")).toBe("");
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
    await using loaded = await load({
      repo: `file://${repository.path}`,
      singleBranch: true,
      branch: "feature/x",
      depth: 1,
    });
    expect(await loaded.git("rev-parse", "HEAD")).toBe(feature);
    expect(await loaded.git("rev-list", "--count", "--all")).toBe("1");
    expect(await loaded.git("branch", "--remotes")).toBe("origin/feature/x");
  });

  it("of a single branch needs its name", async () => {
    await expect(load({ repo: repository.path, singleBranch: true })).rejects.toThrow(
      "single branch mode without a branch specified",
    );
  });

  it("is not writable for all, although the executor runs without a umask", async () => {
    const before = process.umask(0);
    try {
      await using loaded = await load({ repo: `file://${repository.path}` });
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
    await using branched = await load({ repo: empty.path, revision: "release" });
    expect(await branched.git("config", "branch.release.merge")).toBe("refs/heads/master");
  });

  it("brings submodules along, unless told not to", async () => {
    await using parent = await createGitRepository();
    await parent.git("submodule", "--quiet", "add", repository.path, "vendor/lib");
    await parent.commit("with submodule", {});
    await using loaded = await load({ repo: parent.path, depth: 1 });
    expect(await loaded.text("vendor/lib/a.txt")).toBe("two\n");
    await using bare = await load({ repo: parent.path, disableSubmodules: true });
    expect(await readdir(join(bare.path, "vendor/lib"))).toEqual([]);
  });
});

describe("over http", () => {
  const withServer = async (options: GitServerOptions, use: (url: string) => Promise<void>) => {
    await using server = await startGitServer(root, options);
    await use(`${server.url}/${name}/.git`);
  };

  it("gives the credentials to the repository's host", async () => {
    const secrets = secretsOf({ "git/user": "ann", "git/password": "p w'\"$\\\n" });
    const at = {
      usernameSecret: { name: "git", key: "user" },
      passwordSecret: { name: "git", key: "password" },
    };
    await withServer({ username: "ann", password: "p w'\"$\\" }, async (url) => {
      await using loaded = await load({ repo: url, revision: "main", depth: 1, ...at }, { secrets });
      expect(await loaded.text("a.txt")).toBe("two\n");
      expect(await readFile(join(loaded.path, ".git/config"), "utf8")).not.toContain("p w");
    });
  });

  it("takes credentials from the address, and keeps them out of what it leaves behind", async () => {
    await withServer({ username: "ann", password: "s3cret" }, async (url) => {
      await using loaded = await load({ repo: url.replace("://", "://ann:s3cret@"), depth: 1 });
      expect(await loaded.text("a.txt")).toBe("two\n");
      expect(await readFile(join(loaded.path, ".git/config"), "utf8")).not.toContain("s3cret");
    });
  });

  it("gives them to no other host, even when a submodule asks", async () => {
    await using parent = await createGitRepository();
    const asked: (string | undefined)[] = [];
    await using stranger = await startGitServer(root, {
      intercept(request, response) {
        asked.push(request.headers.authorization);
        response.writeHead(401, { "www-authenticate": 'Basic realm="stranger"' }).end();
        return true;
      },
    });
    await parent.commit("hostile", {
      ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ${stranger.url}/x.git\n`,
    });
    await parent.git("update-index", "--add", "--cacheinfo", `160000,${first},x`);
    await parent.git("commit", "--quiet", "-m", "gitlink");
    await using server = await startGitServer(root, { username: "ann", password: "s3cret" });
    const repo = `${server.url.replace("://", "://ann:s3cret@")}${parent.path.slice(root.length)}/.git`;
    await expect(load({ repo })).rejects.toMatchObject({
      code: "git.authentication_failed",
      message: expect.stringContaining("failed to update submodules"),
    });
    expect(asked.length).toBeGreaterThan(0);
    expect(asked.every((header) => header === undefined)).toBe(true);
  });

  it("lets no submodule read a repository of this machine", async () => {
    await using parent = await createGitRepository();
    await parent.commit("hostile", {
      ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ${repository.path}\n`,
    });
    await parent.git("update-index", "--add", "--cacheinfo", `160000,${second},x`);
    await parent.git("commit", "--quiet", "-m", "gitlink");
    await using server = await startGitServer(root);
    const loading = load({ repo: `${server.url}${parent.path.slice(root.length)}/.git` });
    await expect(loading).rejects.toMatchObject({ code: "git.refused" });
  });

  it.each<[string, GitServerOptions, string]>([
    ["a missing login", { username: "ann", password: "x" }, "git.authentication_failed"],
    [
      "a missing repository",
      { intercept: (_request, response) => !!response.writeHead(404).end() },
      "git.repository_not_found",
    ],
  ])("explains %s", async (_what, options, code) => {
    await withServer(options, async (url) => {
      await expect(load({ repo: url })).rejects.toMatchObject({
        code,
        message: expect.stringContaining(`failed to clone "${url}"`),
      });
    });
  });

  it("tries again after an answer that says later", async () => {
    let refusals = 2;
    const intercept: GitServerOptions["intercept"] = (_request, response) => {
      if (refusals-- <= 0) return false;
      response.writeHead(503).end();
      return true;
    };
    await withServer({ intercept }, async (url) => {
      await using loaded = await load({ repo: url, depth: 1 });
      expect(await loaded.text("a.txt")).toBe("two\n");
      expect(loaded.observed.retries).toHaveLength(2);
    });
  });

  it("ends git and everything it started when the signal says so", async () => {
    const controller = new AbortController();
    const asked = Promise.withResolvers<void>();
    const intercept = (): boolean => {
      asked.resolve();
      return true; // and never an answer
    };
    await withServer({ intercept }, async (url) => {
      const loading = load({ repo: url }, {}, observedTransfer({ signal: controller.signal }));
      await asked.promise;
      controller.abort(new Error("deadline"));
      await expect(loading).rejects.toThrow("deadline");
      const processes = await runCommand("ps", ["-eo", "args"]);
      expect(processes.split("\n").filter((line) => line.includes(url))).toEqual([]);
    });
  });
});

describe.skipIf(whyNoSshServer() !== undefined)(`over ssh ${whyNoSshServer() ?? ""}`, () => {
  let server: SshServer;

  beforeAll(async () => {
    server = await startSshServer();
  });

  afterAll(() => server[Symbol.asyncDispose]());

  const loadWith = async (knownHost: string, more: Partial<GitLocation> = {}): Promise<Loaded> => {
    await using directory = await temporaryDirectory();
    const knownHosts = join(directory.path, "known hosts");
    await writeFile(knownHosts, knownHost);
    const secrets = secretsOf({ "git/key": server.privateKey.trimEnd() });
    const repo = `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`;
    const at = { repo, depth: 1, sshPrivateKeySecret: { name: "git", key: "key" }, ...more };
    return await load(at, { secrets, knownHosts: [knownHosts] });
  };

  it("uses the key, and leaves it nowhere", async () => {
    const before = await readdir(tmpdir());
    await using loaded = await loadWith(server.knownHost);
    expect(await loaded.text("a.txt")).toBe("two\n");
    const left = (await readdir(tmpdir())).filter((entry) => !before.includes(entry));
    expect(left.filter((entry) => entry.startsWith("skein-git-"))).toEqual([]);
  });

  it.each<[string, () => string, RegExp]>([
    ["another key than is known", () => server.wrongKnownHost, /put it in the place of that line/],
    ["a key nobody knows", () => "", /add the line that `ssh-keyscan -p \d+ 127.0.0.1` prints/],
  ])("refuses a server with %s, and says what to do", async (_what, knownHost, remedy) => {
    await expect(loadWith(knownHost())).rejects.toMatchObject({
      code: "git.host_key_mismatch",
      remedy: expect.stringMatching(remedy),
    });
  });

  it("takes any host key when told to", async () => {
    await using loaded = await loadWith(server.wrongKnownHost, { insecureIgnoreHostKey: true });
    expect(await loaded.text("a.txt")).toBe("two\n");
  });

  it("explains that a key is not let in", async () => {
    const secrets = secretsOf({ "git/key": "no key at all" });
    const repo = `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`;
    const at = { repo, sshPrivateKeySecret: { name: "git", key: "key" }, insecureIgnoreHostKey: true };
    await expect(load(at, { secrets })).rejects.toMatchObject({ code: "git.authentication_failed" });
  });
});

describe("what would be taken for an option or a program", () => {
  it.each<[string, Partial<GitLocation>]>([
    ["repo", { repo: "--upload-pack=touch /tmp/skein-pwned" }],
    ["ext::", { repo: "ext::sh -c touch% /tmp/skein-pwned" }],
    ["revision", { revision: "--upload-pack=touch /tmp/skein-pwned" }],
    ["branch", { branch: "--upload-pack=touch /tmp/skein-pwned" }],
    ["fetch", { fetch: ["--upload-pack=touch /tmp/skein-pwned"] }],
  ])("is refused in %s", async (_field, at) => {
    await expect(load({ repo: repository.path, ...at }).then(() => "loaded")).rejects.toMatchObject({
      code: "git.refused",
    });
    expect(existsSync("/tmp/skein-pwned")).toBe(false);
  });
});

describe("git itself", () => {
  it("is missed by name", async () => {
    await expect(load({ repo: repository.path }, { program: "no-such-git" })).rejects.toMatchObject({
      code: "git.failed",
      message: expect.stringContaining("no-such-git"),
      remedy: expect.stringContaining("no git"),
    });
  });
});
