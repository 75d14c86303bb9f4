import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import {
  createGitRepository,
  type GitRepository,
  type SubmoduleEntry,
} from "../../../../test/support/git-repository.ts";
import { startGitServer } from "../../../../test/support/git-server.ts";
import { observedTransfer, type TemporaryDirectory, temporaryDirectory } from "../test-support.ts";
import { createGitDriver } from "./git-driver.ts";
import { load, OPTIONS, settingsFrom } from "./git-test-support.ts";

/** What an attack would leave behind if it worked. */
let directory: TemporaryDirectory;
let pwned: string;
let repository: GitRepository;
let commit: string;

beforeEach(async () => {
  directory = await temporaryDirectory();
  pwned = join(directory.path, "pwned");
  repository = await createGitRepository();
  commit = await repository.commit("one", { "a.txt": "one\n" });
});

afterEach(async () => {
  expect(existsSync(pwned)).toBe(false);
  await directory[Symbol.asyncDispose]();
  await repository[Symbol.asyncDispose]();
});

const REFUSED = expect.objectContaining({ code: "git.refused", transient: false });

/** Loads it from a server, as a stranger's repository comes. */
async function loadFromServer(at: Partial<GitLocation> = {}, settings = {}) {
  await using server = await startGitServer(dirname(repository.path));
  const name = repository.path.slice(dirname(repository.path).length);
  return await load({ repo: `${server.url}${name}/.git`, ...at }, settings);
}

describe("what would be taken for an option or a program", () => {
  it.each<[string, () => Partial<GitLocation>]>([
    ["repo", () => ({ repo: `--upload-pack=touch ${pwned}` })],
    ["repo, CVE-2017-1000117", () => ({ repo: `ssh://-oProxyCommand=touch\${IFS}${pwned}/x` })],
    ["repo's user", () => ({ repo: `ssh://-oProxyCommand=touch@host/x` })],
    ["repo's short form", () => ({ repo: `-oProxyCommand=touch:x` })],
    ["repo, ext::", () => ({ repo: `ext::sh -c touch% ${pwned}` })],
    ["repo, fd::", () => ({ repo: "fd::7" })],
    [
      "repo, with a line end for the credential helper, CVE-2020-5260",
      () => ({ repo: "https://h/x%0ahost=other" }),
    ],
    ["repo, with a carriage return, CVE-2024-52006", () => ({ repo: "https://ann%0d:x@h/x" })],
    ["revision", () => ({ revision: `--upload-pack=touch ${pwned}` })],
    ["branch", () => ({ branch: `--upload-pack=touch ${pwned}`, singleBranch: true })],
    ["fetch", () => ({ fetch: [`--upload-pack=touch ${pwned}`] })],
    ["fetch, two in one", () => ({ fetch: ["refs/heads/a:refs/heads/a --all"] })],
  ])("is refused in %s", async (_field, at) => {
    const loading = (async () => load({ repo: repository.path, ...at() }))();
    await expect(loading).rejects.toEqual(REFUSED);
  });

  it("is no refspec when it is a revision", async () => {
    for (const depth of [0, 1]) {
      const revision = "main:refs/heads/other";
      await expect(load({ repo: repository.path, revision, depth })).rejects.toMatchObject({
        code: "git.revision_not_found",
      });
    }
  });
});

describe("a submodule of a stranger's repository", () => {
  it.each<[string, (marker: string) => Partial<SubmoduleEntry>]>([
    ["whose address is an option: CVE-2018-17456", (marker) => ({ url: `-u./touch ${marker}` })],
    ["whose path is an option: CVE-2018-17456", () => ({ path: "-sub" })],
    [
      "whose host is an option: CVE-2017-1000117",
      (marker) => ({ url: `ssh://-oProxyCommand=touch ${marker}/x` }),
    ],
    ["whose address runs a program", (marker) => ({ url: `ext::sh -c touch% ${marker}` })],
    ["whose address is a descriptor", () => ({ url: "fd::3" })],
    ["on this machine: CVE-2022-39253", () => ({ url: repository.path })],
    ["on this machine, as a URL", () => ({ url: `file://${repository.path}` })],
    ["that leads to this machine from its parent", () => ({ url: "../../../../../../../../../etc" })],
    ["whose name leads out of .git: CVE-2018-11235", () => ({ name: "../../evil" })],
    ["whose name is another's directory, at its end: CVE-2019-1387", () => ({ name: "other/modules/x" })],
    ["whose path ends with a carriage return: CVE-2025-48384", () => ({ path: '"sub\r"', name: "s" })],
    ["whose name has a carriage return: CVE-2025-48384", () => ({ name: "s\r" })],
    [
      "that wants a command to be run: CVE-2019-19604",
      (marker) => ({ more: `\tupdate = !touch ${marker}\n` }),
    ],
    [
      "whose address ends the credential helper's line: CVE-2020-11008",
      () => ({ url: "https://h/%0ahost=github.com" }),
    ],
  ])("%s is refused", async (_what, entry) => {
    await repository.commitSubmodule({ path: "other", url: "https://h/other.git", commit });
    const submodule = { path: "sub", url: "../good.git", commit, ...entry(pwned) };
    // In quotes, the path ends with what the file's lines may end with.
    await repository.commitSubmodule(submodule);
    if (submodule.path.startsWith('"')) await enterGitlink(submodule.path.replaceAll('"', ""));
    await expect(loadFromServer({ depth: 1 })).rejects.toEqual(REFUSED);
  });

  it("at a path below .git is refused", async () => {
    await repository.commitSubmodule({ path: "good", url: "https://h/good.git", commit });
    await writeFile(
      join(repository.path, ".gitmodules"),
      `[submodule "x"]\n\tpath = .git/hooks\n\turl = ../good.git\n`,
    );
    const tree = await makeTree([
      ["100644", "blob", await hash(".gitmodules"), ".gitmodules"],
      ["040000", "tree", await makeTree([["160000", "commit", commit, "hooks"]]), ".git"],
    ]);
    await commitTree(tree);
    await expect(loadFromServer()).rejects.toEqual(REFUSED);
  });

  it("through a link is not followed: CVE-2024-32002", async () => {
    await writeFile(
      join(repository.path, ".gitmodules"),
      `[submodule "x"]\n\tpath = x/hooks\n\turl = ../good.git\n`,
    );
    await writeFile(join(repository.path, "target"), ".git");
    const inside = await makeTree([["160000", "commit", commit, "hooks"]]);
    const tree = await makeTree([
      ["100644", "blob", await hash(".gitmodules"), ".gitmodules"],
      ["120000", "blob", await hash("target"), "x"],
      ["040000", "tree", inside, "x"],
    ]);
    await commitTree(tree);
    await expect(loadFromServer()).rejects.toThrow();
  });

  it("described by a link is refused", async () => {
    await repository.commit("a file", { elsewhere: `[submodule "x"]\n\tpath = x\n\turl = ../good.git\n` });
    await symlink("elsewhere", join(repository.path, ".gitmodules"));
    await writeFile(join(repository.path, "target"), "elsewhere");
    const tree = await makeTree([
      ["120000", "blob", await hash("target"), ".gitmodules"],
      ["100644", "blob", await hash("elsewhere"), "elsewhere"],
      ["160000", "commit", commit, "x"],
    ]);
    await rm(join(repository.path, ".gitmodules"));
    await commitTree(tree);
    await expect(loadFromServer()).rejects.toEqual(REFUSED);
  });

  it("that is its own parent ends", async () => {
    await using server = await startGitServer(dirname(repository.path));
    const name = repository.path.slice(dirname(repository.path).length);
    const first = await repository.commitSubmodule({ path: "self", url: "../.git", commit });
    await repository.git("update-index", "--cacheinfo", `160000,${first},self`);
    await repository.git("commit", "--quiet", "-m", "again");
    await using loaded = await load({ repo: `${server.url}${name}/.git`, depth: 1 });
    expect(await readFile(join(loaded.path, "self/self/a.txt"), "utf8")).toBe("one\n");
  });
});

describe("a stranger's tree", () => {
  it.each([".git", ".GIT"])("with %s in it is not written there", async (name) => {
    await writeFile(join(repository.path, "hook"), `#!/bin/sh\ntouch ${pwned}\n`);
    const hooks = await makeTree([["100755", "blob", await hash("hook"), "post-checkout"]]);
    await commitTree(
      await makeTree([["040000", "tree", await makeTree([["040000", "tree", hooks, "hooks"]]), name]]),
    );
    await expect(loadFromServer()).rejects.toEqual(REFUSED);
  });

  it("may have links that lead anywhere, and nothing is written through them", async () => {
    await symlink(directory.path, join(repository.path, "out"));
    await repository.commit("a link", {});
    await using loaded = await loadFromServer();
    expect((await lstat(join(loaded.path, "out"))).isSymbolicLink()).toBe(true);
    expect(await readdir(directory.path)).toEqual([]);
  });
});

describe("a repository of this machine", () => {
  it("shares no file with the artifact: CVE-2024-32020", async () => {
    await repository.git("repack", "-a", "-d", "-q");
    await using loaded = await load({ repo: repository.path });
    const packs = join(loaded.path, ".git/objects/pack");
    for (const name of await readdir(packs)) expect((await stat(join(packs, name))).nlink).toBe(1);
    expect(existsSync(join(loaded.path, ".git/objects/info/alternates"))).toBe(false);
  });

  it("gives away nothing that its objects are links to: CVE-2022-39253, CVE-2023-22490", async () => {
    const secret = join(directory.path, "secret");
    await writeFile(secret, "canary of this machine");
    await symlink(secret, join(repository.path, ".git/objects/secret"));
    await using loaded = await load({ repo: repository.path });
    const names = await readdir(join(loaded.path, ".git"), { recursive: true });
    expect(names.filter((name) => name.includes("secret"))).toEqual([]);
  });

  it("runs no program that its configuration names: CVE-2024-32004, CVE-2024-32465", async () => {
    const program = join(directory.path, "program");
    await writeFile(program, `#!/bin/sh\ntouch ${pwned}\n`);
    await chmod(program, 0o755);
    for (const [key, value] of [
      ["uploadpack.packObjectsHook", program],
      ["core.fsmonitor", program],
      ["core.sshCommand", program],
      ["core.alternateRefsCommand", program],
      ["core.hooksPath", directory.path],
      ["extensions.partialClone", "evil"],
      ["remote.evil.url", "ssh://nobody@127.0.0.1/x"],
      ["remote.evil.promisor", "true"],
      ["remote.evil.uploadpack", program],
    ] as const) {
      await repository.git("config", key, value);
    }
    // An object that has to be fetched from there, by whoever wants it.
    const blob = (await repository.git("rev-parse", "HEAD:a.txt")).trim();
    await rm(join(repository.path, ".git/objects", blob.slice(0, 2), blob.slice(2)));
    await expect(load({ repo: repository.path })).rejects.toThrow();
    await expect(load({ repo: repository.path, revision: "main", depth: 1 })).rejects.toThrow();
  });
});

describe("git's surroundings", () => {
  /** A directory with settings that run a program whatever git does. */
  async function makeTraps(): Promise<string> {
    const home = join(directory.path, "home");
    const program = join(home, "program");
    await mkdir(join(home, "hooks"), { recursive: true });
    await writeFile(program, `#!/bin/sh\ntouch ${pwned}\n`);
    for (const hook of ["post-checkout", "reference-transaction", "post-index-change"]) {
      await writeFile(join(home, "hooks", hook), `#!/bin/sh\ntouch ${pwned}\n`, { mode: 0o755 });
    }
    await chmod(program, 0o755);
    await writeFile(
      join(home, ".gitconfig"),
      `[core]\n\thooksPath = ${home}/hooks\n\tfsmonitor = ${program}\n\tsshCommand = ${program}\n` +
        `[init]\n\ttemplateDir = ${home}\n[credential]\n\thelper = ${program}\n[filter "x"]\n\tsmudge = ${program}\n`,
    );
    return home;
  }

  it("are not looked at: no configuration, no template, no hook", async () => {
    const home = await makeTraps();
    await repository.commit("attributes", { ".gitattributes": "* filter=x\n" });
    const env = {
      HOME: home,
      XDG_CONFIG_HOME: home,
      GIT_CONFIG_GLOBAL: join(home, ".gitconfig"),
      GIT_CONFIG_SYSTEM: join(home, ".gitconfig"),
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "core.hooksPath",
      GIT_CONFIG_VALUE_0: join(home, "hooks"),
      GIT_TEMPLATE_DIR: home,
      GIT_DIR: home,
      GIT_SSH: join(home, "program"),
      GIT_EXTERNAL_DIFF: join(home, "program"),
      GIT_EXEC_PATH: home,
    };
    for (const at of [{}, { revision: "main", depth: 1 }]) {
      await using loaded = await load({ repo: repository.path, ...at }, settingsFrom(env));
      expect(await loaded.text("a.txt")).toBe("one\n");
      expect(await readdir(join(loaded.path, ".git"))).not.toContain("hooks");
    }
  });

  it("above the artifact are not looked at either: CVE-2022-24765", async () => {
    const home = await makeTraps();
    const above = join(directory.path, "volume");
    const target = join(above, "artifact");
    await mkdir(join(above, ".git"), { recursive: true });
    await mkdir(target);
    await writeFile(join(above, ".git/HEAD"), "ref: refs/heads/main\n");
    for (const name of ["objects", "refs"]) await mkdir(join(above, ".git", name));
    await writeFile(join(above, ".git/config"), await readFile(join(home, ".gitconfig")));
    // Somebody's helper would be asked for the password, and somebody's server for the repository.
    await using server = await startGitServer(repository.path, { username: "ann", password: "s3cret" });
    const repo = `${server.url.replace("://", "://ann:s3cret@")}/.git`;
    for (const at of [{}, { revision: "main", depth: 1 }]) {
      await rm(target, { recursive: true });
      await mkdir(target);
      const observed = observedTransfer();
      const content = await createGitDriver({ repo, ...at }, OPTIONS).open(observed.transfer);
      if (content.kind === "directory") await content.loadInto(target);
      expect(await readFile(join(target, "a.txt"), "utf8")).toBe("one\n");
    }
  });
});

async function enterGitlink(path: string): Promise<void> {
  await repository.git("update-index", "--add", "--cacheinfo", `160000,${commit},${path}`);
  await repository.git("commit", "--quiet", "--allow-empty", "-m", "gitlink");
}

async function hash(file: string): Promise<string> {
  return (await repository.git("hash-object", "-w", "--", file)).trim();
}

/** A tree as git would not make it: sorted by nothing, checked by nobody. */
async function makeTree(entries: readonly (readonly [string, string, string, string])[]): Promise<string> {
  const content = Buffer.concat(
    entries.map(([mode, , object, name]) =>
      Buffer.concat([Buffer.from(`${mode.replace(/^0/, "")} ${name}\0`), Buffer.from(object, "hex")]),
    ),
  );
  const file = join(directory.path, "tree");
  await writeFile(file, content);
  const tree = await repository.git("hash-object", "-w", "-t", "tree", "--literally", "--", file);
  await rm(file);
  return tree.trim();
}

async function commitTree(tree: string): Promise<void> {
  const made = (await repository.git("commit-tree", "-m", "hostile", tree)).trim();
  await repository.git("update-ref", "refs/heads/main", made);
}
