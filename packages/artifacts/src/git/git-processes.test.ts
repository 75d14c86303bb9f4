import { chmod, mkdir, readdir, readFile, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { runCommand } from "../../../../test/support/command.ts";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { startGitServer } from "../../../../test/support/git-server.ts";
import { processesWith } from "../../../../test/support/processes.ts";
import { startSshServer, whyNoSshServer } from "../../../../test/support/ssh-server.ts";
import { observedTransfer, secretsOf, temporaryDirectory } from "../test-support.ts";
import { createGitDriver } from "./git-driver.ts";
import { load, OPTIONS, settingsFrom } from "./git-test-support.ts";
import { ProcessGroup } from "./process-group.ts";

let repository: GitRepository;
let root: string;
let path: string;

beforeAll(async () => {
  repository = await createGitRepository();
  root = dirname(repository.path);
  path = `${repository.path.slice(root.length)}/.git`;
  await repository.commit("one", { "a.txt": "one\n" });
});

afterAll(() => repository[Symbol.asyncDispose]());

/** Loads into a directory of its own until the moment comes, then aborts. Nothing of it may run on. */
async function abortWhileLoading(
  at: Parameters<typeof createGitDriver>[0],
  moment: Promise<unknown>,
  options: Partial<typeof OPTIONS> = {},
): Promise<string[]> {
  await using directory = await temporaryDirectory();
  const controller = new AbortController();
  const observed = observedTransfer({ signal: controller.signal });
  const content = await createGitDriver(at, { ...OPTIONS, ...options }).open(observed.transfer);
  if (content.kind !== "directory") throw new Error("expected a directory");
  const target = join(directory.path, "source");
  await mkdir(target);
  const loading = content.loadInto(target);
  await Promise.race([moment, loading]);
  const running = processesWith(directory.path).map(({ commandLine }) => commandLine);
  controller.abort(new Error("deadline"));
  await expect(loading).rejects.toThrow("deadline");
  expect(processesWith(directory.path)).toEqual([]);
  return running;
}

describe("the deadline", () => {
  it("ends git and its helpers while a server does not answer", async () => {
    const asked = Promise.withResolvers<void>();
    await using server = await startGitServer(root, {
      intercept() {
        asked.resolve();
        return true; // and never an answer
      },
    });
    const running = await abortWhileLoading({ repo: `${server.url}${path}` }, asked.promise);
    expect(running.join("\n")).toMatch(/git-remote-http/);
  });

  it("ends a fetch of a submodule, and those that wait for their turn", async () => {
    await using parent = await createGitRepository();
    const commit = (await repository.git("rev-parse", "main")).trim();
    for (const name of ["a", "b", "c", "d"]) {
      await parent.commitSubmodule({ path: name, url: `../..${path}?${name}`, commit });
    }
    const asked = Promise.withResolvers<void>();
    await using server = await startGitServer(root, {
      intercept({ url }) {
        if (!url?.includes("?a")) return url?.includes(`${path}?`) ?? false;
        asked.resolve();
        return true;
      },
    });
    const repo = `${server.url}${parent.path.slice(root.length)}/.git`;
    await abortWhileLoading({ repo }, asked.promise);
  });

  it.skipIf(whyNoSshServer() !== undefined)(`ends ssh ${whyNoSshServer() ?? ""}`, async () => {
    await using server = await startSshServer({ command: "cat >/dev/null" });
    const letIn = (async () => {
      while (!server.log().includes("Accepted publickey")) await sleep(20);
    })();
    const at = {
      repo: `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`,
      sshPrivateKeySecret: { name: "git", key: "key" },
      insecureIgnoreHostKey: true,
    };
    const secrets = secretsOf({ "git/key": server.privateKey });
    const running = await abortWhileLoading(at, letIn, { secrets });
    expect(running.join("\n")).toMatch(/(^|\n)ssh /);
  });
});

describe("a process group", () => {
  const start = (script: string, marker: string) =>
    ProcessGroup.start(["sh", "-c", script], {
      cwd: "/",
      env: { PATH: process.env.PATH ?? "", MARKER: marker },
    });

  it("is ended whole, also those that do not listen and those that hold no pipe of ours", async () => {
    await using directory = await temporaryDirectory();
    const group = start(
      'trap "" TERM; sleep 600 >/dev/null 2>&1 & (trap "" TERM; sleep 600) & echo ready; wait',
      directory.path,
    );
    const controller = new AbortController();
    group.onStdout(() => controller.abort());
    const end = await group.end(controller.signal);
    expect(end.signal).toBe("SIGKILL");
    await untilNone(directory.path);
  });

  it("does not wait for one that has left it and holds its pipe", async () => {
    await using directory = await temporaryDirectory();
    const group = start("setsid sleep 600 & echo ready; sleep 600", directory.path);
    const controller = new AbortController();
    group.onStdout(() => controller.abort());
    await group.end(controller.signal);
    for (const { pid } of processesWith(directory.path)) process.kill(pid, "SIGKILL");
    await untilNone(directory.path);
  });
});

/** What was sent SIGKILL is gone a moment later. */
async function untilNone(marker: string): Promise<void> {
  for (let tries = 0; processesWith(marker).length > 0 && tries < 500; tries++) await sleep(10);
  expect(processesWith(marker)).toEqual([]);
}

describe("git itself", () => {
  it("is missed by name", async () => {
    await expect(load({ repo: repository.path }, { program: "no-such-git" })).rejects.toMatchObject({
      code: "git.failed",
      message: expect.stringContaining("no-such-git"),
      remedy: expect.stringContaining("no git"),
    });
  });

  it("is given nothing of the executor's environment but what is listed", async () => {
    await using directory = await temporaryDirectory();
    const record = join(directory.path, "record");
    const program = join(directory.path, "git");
    await writeFile(
      program,
      `#!/bin/sh\nprintf '%s\\n' "git $*" >>${record}\nenv >>${record}.env\nexec git "$@"\n`,
    );
    await chmod(program, 0o755);
    const env = {
      ARGO_TEMPLATE: "{}",
      AWS_SECRET_ACCESS_KEY: "canary",
      GITHUB_TOKEN: "canary",
      LD_LIBRARY_PATH: "/x",
    };
    await using loaded = await load(
      { repo: repository.path, revision: "main" },
      { ...settingsFrom(env), program },
    );
    expect(await loaded.text("a.txt")).toBe("one\n");
    const names = (await readFile(`${record}.env`, "utf8"))
      .split("\n")
      .map((line) => line.split("=")[0] ?? "");
    expect(new Set(names.filter((name) => !/^(GIT_|SSH_ASKPASS$|$)/.test(name)))).toEqual(
      new Set(["PATH", "HOME", "LC_ALL", "PWD"]),
    );
    expect((await readFile(record, "utf8")).split("\n")[0]).toMatch(/^git clone /);
  });

  it("needs none of its scripts, which images do not have", async () => {
    await using directory = await temporaryDirectory();
    const git = (await runCommand("sh", ["-c", "command -v git"])).trim();
    const core = (await runCommand("git", ["--exec-path"])).trim();
    const programs = join(directory.path, "core");
    await mkdir(programs);
    for (const name of ["git", "git-upload-pack", "git-index-pack"]) await symlink(git, join(programs, name));
    for (const name of ["git-remote-http", "git-remote-https"]) {
      await symlink(join(core, name), join(programs, name));
    }
    const program = join(directory.path, "git");
    await writeFile(program, `#!/bin/sh\nexport GIT_EXEC_PATH=${programs}\nexec ${git} "$@"\n`, {
      mode: 0o755,
    });
    await using parent = await createGitRepository();
    const commit = (await repository.git("rev-parse", "main")).trim();
    await parent.commit("top", { top: "", "deep/file": "" });
    await parent.commitSubmodule({ path: "deep/sub", url: `../..${path}`, commit });
    await using server = await startGitServer(root);
    const at = { repo: `${server.url}${parent.path.slice(root.length)}/.git` };
    const mirrors = `${server.url}/=${root}`;
    const settings = settingsFrom({
      PATH: directory.path,
      SKEIN_GIT_SPARSE: "deep",
      SKEIN_GIT_MIRRORS: mirrors,
    });
    for (const more of [{}, { revision: "main", depth: 1 }]) {
      for (const { mirrors } of [settings, OPTIONS]) {
        await using loaded = await load({ ...at, ...more }, { ...settings, mirrors, program });
        expect(await loaded.text("deep/sub/a.txt")).toBe("one\n");
        expect("argo.git.mirror" in loaded.observed.attributes).toBe(mirrors.length > 0);
      }
    }
  });

  it("leaves no lock and no half pack when it is killed while it receives", async () => {
    await using target = await temporaryDirectory();
    const asked = Promise.withResolvers<void>();
    await using server = await startGitServer(root, {
      intercept({ method }) {
        if (method !== "POST") return false;
        asked.resolve();
        return true;
      },
    });
    const controller = new AbortController();
    const observed = observedTransfer({ signal: controller.signal });
    const at = { repo: `${server.url}${path}`, revision: "main", depth: 1 };
    const content = await createGitDriver(at, OPTIONS).open(observed.transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    const loading = content.loadInto(target.path);
    await asked.promise;
    controller.abort(new Error("deadline"));
    await expect(loading).rejects.toThrow("deadline");
    const names = await readdir(target.path, { recursive: true });
    expect(names.filter((name) => /\.lock$|tmp_pack/.test(name))).toEqual([]);
  });
});
