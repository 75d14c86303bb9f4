import { spawn } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { GitLocation } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { startGitServer } from "../../../../test/support/git-server.ts";
import { processesWith, type SeenProcess } from "../../../../test/support/processes.ts";
import { startSshServer, whyNoSshServer } from "../../../../test/support/ssh-server.ts";
import { createTestEngine, secretsOf, temporaryDirectory } from "../test-support.ts";
import { gitIn } from "./git-test-support.ts";

const CANARY = "canary-of-git-5b1f0c";
/** As a URL, a header and a store file have it. */
const FORMS = [CANARY, Buffer.from(`ann:${CANARY}`).toString("base64")];

let repository: GitRepository;
let root: string;
let path: string;

beforeAll(async () => {
  repository = await createGitRepository();
  root = dirname(repository.path);
  path = `${repository.path.slice(root.length)}/.git`;
  const commit = await repository.commit("one", { "a.txt": "one\n" });
  await repository.commitSubmodule({ path: "sub", url: "../.git", commit });
});

afterAll(() => repository[Symbol.asyncDispose]());

function expectNothingIn(text: string, where: string): void {
  for (const form of FORMS) expect(text.includes(form), `${where} has the secret in it`).toBe(false);
}

/** What can be read of the file system by name, below a directory. */
function everythingBelow(directory: string): string {
  return readdirSync(directory, { recursive: true, encoding: "utf8" })
    .map((name) => join(directory, name))
    .filter((file) => statSync(file, { throwIfNoEntry: false })?.isFile())
    .map((file) => readFileSync(file, "latin1"))
    .join("\n");
}

/** The private directories of the loads into `target`: the homes of their processes. */
function homesOf(processes: readonly SeenProcess[]): string[] {
  const homes = processes.map(({ environment }) => /(?:^| )HOME=(\S+)/.exec(environment)?.[1] ?? "");
  return [...new Set(homes)].filter((home) => home.includes("skein-git-"));
}

describe("a password", () => {
  it.each<[string, (url: string) => GitLocation]>([
    [
      "from a secret",
      (repo) => ({
        repo,
        usernameSecret: { name: "git", key: "user" },
        passwordSecret: { name: "git", key: "password" },
      }),
    ],
    ["from the address", (repo) => ({ repo: repo.replace("://", `://ann:${CANARY}@`) })],
  ])(
    "%s is in no command line, environment or named file while git runs, and in nothing it leaves",
    async (_where, at) => {
      await using directory = await temporaryDirectory();
      const target = join(directory.path, "source");
      const seen: SeenProcess[] = [];
      let files = "";
      await using server = await startGitServer(root, {
        username: "ann",
        password: CANARY,
        intercept({ headers }) {
          // Now that the password has come, whoever brought it is still there.
          const running = processesWith(directory.path);
          if (headers.authorization) seen.push(...running);
          for (const home of homesOf(running)) files += everythingBelow(home);
          return false;
        },
      });
      const secrets = secretsOf({ "git/user": "ann", "git/password": CANARY });
      await using test = await createTestEngine(secrets, { level: "files" });
      const git = at(`${server.url}${path}`);
      for (const revision of [{}, { revision: "main", depth: 1 }]) {
        const artifact = { name: "source", git: { ...git, ...revision } };
        await test.engine.load({ artifact, target, replace: true });
      }
      expect(seen.map(({ commandLine }) => commandLine).join("\n")).toMatch(/git-remote-http/);
      for (const { commandLine, environment } of seen) {
        expectNothingIn(commandLine, `the command line of ${commandLine}`);
        expectNothingIn(environment, `the environment of ${commandLine}`);
      }
      expect(files).toContain("credential-store");
      expect(files).toContain('"event":"start"'); // trace2
      expectNothingIn(files, "git's private directory");
      expectNothingIn(everythingBelow(target), "the artifact");
      expectNothingIn(JSON.stringify(test.spans), "a span");
      expectNothingIn(JSON.stringify(test.records), "the log");
      expect(await gitIn(target, "config", "remote.origin.url")).toBe(`${server.url}${path}`);
    },
  );

  it("leaves nothing behind when the executor is killed", async () => {
    await using directory = await temporaryDirectory();
    const came = Promise.withResolvers<void>();
    await using server = await startGitServer(root, {
      username: "ann",
      password: CANARY,
      intercept({ headers }) {
        if (!headers.authorization) return false;
        came.resolve();
        return true; // and never an answer
      },
    });
    const at = {
      repo: `${server.url}${path}`.replace("://", "://ann@"),
      passwordSecret: { name: "git", key: "password" },
    };
    const left = await killWhileLoading(at, CANARY, directory.path, came.promise);
    expect(left).toContain("credential-store");
    expectNothingIn(left, "what is left");
  });
});

describe.skipIf(whyNoSshServer() !== undefined)(`an ssh key ${whyNoSshServer() ?? ""}`, () => {
  it("is in no command line, environment or named file, also when the executor is killed", async () => {
    await using server = await startSshServer({ command: "cat >/dev/null" });
    await using directory = await temporaryDirectory();
    const line = server.privateKey.split("\n")[2] ?? "";
    const at = {
      repo: `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`,
      sshPrivateKeySecret: { name: "git", key: "key" },
      insecureIgnoreHostKey: true,
    };
    let seen: SeenProcess[] = [];
    const letIn = (async () => {
      while (!server.log().includes("Accepted publickey"))
        await new Promise((resolve) => setTimeout(resolve, 20));
      seen = processesWith(directory.path);
    })();
    const left = await killWhileLoading(at, server.privateKey, directory.path, letIn);
    expect(seen.map(({ commandLine }) => commandLine).join("\n")).toMatch(/(^|\n)ssh /);
    const ofChildren = seen.filter(({ environment }) => !environment.includes("SECRET="));
    for (const text of [
      left,
      ...ofChildren.flatMap(({ commandLine, environment }) => [commandLine, environment]),
    ]) {
      expect(text.includes(line)).toBe(false);
    }
    expect(left).toContain("IdentityFile");
  });
});

/**
 * Loads in a process of its own, strikes it dead at the given moment, and ends what it had started.
 *
 * @returns all that can be read in the private directories it had, in shared memory, and in the target
 */
async function killWhileLoading(
  at: GitLocation,
  secret: string,
  directory: string,
  moment: Promise<void>,
): Promise<string> {
  const before = new Set(readdirSync("/dev/shm"));
  const program = join(import.meta.dirname, "load.fixture.ts");
  const target = join(directory, "source");
  mkdirSync(target);
  const child = spawn(process.execPath, [program, JSON.stringify(at), target], {
    env: { PATH: process.env.PATH, TMPDIR: tmpdir(), SECRET: secret },
    stdio: "ignore",
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await Promise.race([moment, ended]);
  const running = processesWith(directory);
  child.kill("SIGKILL");
  await ended;
  const homes = homesOf(running);
  const inMemory = readdirSync("/dev/shm").filter((name) => !before.has(name) && name.startsWith(".skein-"));
  const left = homes.map(everythingBelow).join("\n");
  for (const { pid } of running) endProcess(pid);
  for (const home of homes) rmSync(home, { recursive: true });
  expect(homes).not.toEqual([]);
  expect(inMemory).toEqual([]);
  return left + everythingBelow(directory);
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended with the one that was killed.
  }
}
