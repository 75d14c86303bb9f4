import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect } from "vitest";
import { createGitRepository } from "../support/git-repository.ts";
import { type GitServerOptions, startGitServer } from "../support/git-server.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { startSshServer, whyNoSshServer } from "../support/ssh-server.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

/** What a case has before its pod runs: two commits on `main`, a branch and a tag, behind git's own http server. */
interface Origin {
  url: string;
  first: string;
  second: string;
  feature: string;
}

const SAFE = ["-c", "safe.directory=*"];
const git = (directory: string, ...args: string[]): string =>
  execFileSync("git", [...SAFE, ...args], { cwd: directory, encoding: "utf8" }).trim();

const loadsGit = (location: object, more: Partial<PodRequest> = {}): PodRequest => ({
  template: { container: {}, inputs: { artifacts: [{ name: "a", path: "/src", git: location }] } },
  absent: ["wait", "main"],
  env: { EXECUTOR_RETRY_BACKOFF_DURATION: "10ms", SKEIN_RETRY_BUDGET_SECONDS: "1" },
  ...more,
});

function fromOrigin(
  statement: string,
  request: (origin: Origin) => PodRequest,
  check: (end: PodEnd, origin: Origin) => void,
  more: { server?: GitServerOptions; pitfall?: number } = {},
): ConformanceCase {
  const { server = {}, ...rest } = more;
  return {
    section: "12.2",
    statement,
    ...rest,
    run: async (cluster) => {
      await using repository = await createGitRepository();
      const first = await repository.commit("first", { "a.txt": "one\n" });
      await repository.git("tag", "v1");
      await repository.git("checkout", "-q", "-b", "feature/x");
      const feature = await repository.commit("feature", { "b.txt": "feature\n" });
      await repository.git("checkout", "-q", "main");
      const second = await repository.commit("second", { "a.txt": "two\n" });
      await using http = await startGitServer(dirname(repository.path), server);
      const url = `${http.url}/${repository.path.split("/").at(-1)}/.git`;
      const origin: Origin = { url, first, second, feature };
      check(await runPod(cluster, request(origin)), origin);
    },
  };
}

const whole = (end: PodEnd): string => {
  expect(end.init.exitCode, end.init.log).toBe(0);
  return end.input("a");
};
const refused = (end: PodEnd, message: RegExp): void => {
  expect(end.init.exitCode).toBe(64);
  expect(end.init.terminationMessage).toMatch(message);
  expect(existsSync(end.input("a"))).toBe(false);
};

const revisions: ConformanceCase[] = (
  [
    ["a branch", () => "feature/x", ({ feature }) => feature],
    ["a tag", () => "v1", ({ first }) => first],
    ["a commit", ({ first }) => first, ({ first }) => first],
    ["a short hash", ({ first }) => first.slice(0, 9), ({ first }) => first],
    ["an ancestor such as main~1", () => "main~1", ({ first }) => first],
    ["an ancestor of the default branch such as HEAD~1", () => "HEAD~1", ({ first }) => first],
  ] satisfies [string, (origin: Origin) => string, (origin: Origin) => string][]
).flatMap(([what, revision, commit]) =>
  [{}, { depth: 1 }].map((depth) =>
    fromOrigin(
      `revision may be ${what}${"depth" in depth ? ", also with a depth" : ""}; it is checked out detached`,
      (origin) => loadsGit({ repo: origin.url, revision: revision(origin), ...depth }),
      (end, origin) => {
        expect(git(whole(end), "rev-parse", "HEAD")).toBe(commit(origin));
        expect(git(end.input("a"), "rev-parse", "--abbrev-ref", "HEAD")).toBe("HEAD");
      },
    ),
  ),
);

const clones: ConformanceCase[] = [
  fromOrigin(
    "without a revision the default branch is checked out, with its history and .git",
    ({ url }) => loadsGit({ repo: url }),
    (end, { url, second }) => {
      expect(readFileSync(join(whole(end), "a.txt"), "utf8")).toBe("two\n");
      expect(git(end.input("a"), "rev-parse", "HEAD")).toBe(second);
      expect(git(end.input("a"), "rev-list", "--count", "HEAD")).toBe("2");
      expect(git(end.input("a"), "remote", "get-url", "origin")).toBe(url);
    },
  ),
  fromOrigin(
    "depth limits the history",
    ({ url }) => loadsGit({ repo: url, depth: 1 }),
    (end) => expect(git(whole(end), "rev-list", "--count", "HEAD")).toBe("1"),
  ),
  fromOrigin(
    "singleBranch takes that branch and no other",
    ({ url }) => loadsGit({ repo: url, singleBranch: true, branch: "feature/x" }),
    (end, { feature }) => {
      expect(git(whole(end), "rev-parse", "HEAD")).toBe(feature);
      expect(git(end.input("a"), "branch", "-r")).not.toContain("origin/main");
    },
  ),
  fromOrigin(
    "singleBranch without a branch is refused with upstream's text",
    ({ url }) => loadsGit({ repo: url, singleBranch: true }),
    (end) => refused(end, /^artifact a failed to load: single branch mode without a branch specified$/),
  ),
  fromOrigin(
    "branch without singleBranch changes nothing",
    ({ url }) => loadsGit({ repo: url, branch: "feature/x" }),
    (end) => expect(git(whole(end), "rev-parse", "--abbrev-ref", "HEAD")).toBe("main"),
  ),
  fromOrigin(
    "with a revision every branch is a local one, too",
    ({ url }) => loadsGit({ repo: url, revision: "v1" }),
    (end, { second, feature }) =>
      expect(git(whole(end), "rev-parse", "main", "feature/x")).toBe(`${second}\n${feature}`),
  ),
  fromOrigin(
    "refspecs under fetch are fetched, too",
    ({ url }) => loadsGit({ repo: url, fetch: ["refs/tags/v1:refs/extra/v1"] }),
    (end, { first }) => expect(git(whole(end), "rev-parse", "refs/extra/v1")).toBe(first),
  ),
  fromOrigin(
    "a revision that does not exist is named",
    ({ url }) => loadsGit({ repo: url, revision: "nowhere" }),
    (end) => refused(end, /^artifact a failed to load: failed to get resolve revision: "nowhere"/),
  ),
  fromOrigin(
    "a repository that does not exist fails with the words of a clone and its address",
    ({ url }) => loadsGit({ repo: url.replace("/.git", "-not/.git") }),
    (end) =>
      refused(end, /^artifact a failed to load: failed to clone "http:\/\/127\.0\.0\.1:\d+\/.*-not\/\.git"/),
  ),
  fromOrigin(
    "an optional repository that does not exist is an error all the same",
    ({ url }) => {
      const request = loadsGit({ repo: url.replace("/.git", "-not/.git") });
      const [artifact] = request.template.inputs?.artifacts ?? [];
      if (artifact) artifact.optional = true;
      return request;
    },
    (end) => refused(end, /^artifact a failed to load: failed to clone /),
    { pitfall: 15 },
  ),
  fromOrigin(
    "user and password come from secrets",
    ({ url }) =>
      loadsGit(
        {
          repo: url,
          usernameSecret: { name: "git", key: "user" },
          passwordSecret: { name: "git", key: "password" },
        },
        { secrets: { "git/user": "me", "git/password": "canary-git-password" } },
      ),
    (end) => expect(readFileSync(join(whole(end), "a.txt"), "utf8")).toBe("two\n"),
    { server: { username: "me", password: "canary-git-password" } },
  ),
  fromOrigin(
    "a password that is not accepted is an error that does not say it",
    ({ url }) =>
      loadsGit(
        {
          repo: url,
          usernameSecret: { name: "git", key: "user" },
          passwordSecret: { name: "git", key: "password" },
        },
        { secrets: { "git/user": "me", "git/password": "canary-wrong-password" } },
      ),
    (end) => refused(end, /^artifact a failed to load: failed to clone /),
    { server: { username: "me", password: "another" } },
  ),
  {
    section: "12.2",
    statement: "an empty repository is a success",
    run: async (cluster) => {
      await using repository = await createGitRepository();
      await using http = await startGitServer(dirname(repository.path));
      const url = `${http.url}/${repository.path.split("/").at(-1)}/.git`;
      const end = await runPod(cluster, loadsGit({ repo: url }));
      expect(git(whole(end), "remote", "get-url", "origin")).toBe(url);
    },
  },
  {
    section: "12.2",
    statement: "a repository of git options or of a program to run is refused",
    pod: loadsGit({ repo: "ext::sh -c touch% /tmp/pwned" }),
    expect: { exitCodes: { init: 64 }, messages: { init: /^artifact a failed to load: / } },
  },
  {
    section: "12.2",
    statement: "git is not for saving",
    pod: {
      template: {
        container: {},
        outputs: { artifacts: [{ name: "o", path: "/tmp/o", git: { repo: "https://host/r" } }] },
      },
      argv: ["sh", "-c", "echo x >/tmp/o"],
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /git/ } },
  },
];

/** A repository with a submodule, which is its neighbour on the server. */
const withSubmodule = (
  statement: string,
  location: object,
  check: (end: PodEnd) => void,
): ConformanceCase => ({
  section: "12.2",
  statement,
  run: async (cluster) => {
    await using library = await createGitRepository();
    const commit = await library.commit("library", { "l.txt": "library\n" });
    await using parent = await createGitRepository();
    const name = (path: string) => `${path.split("/").at(-1)}/.git`;
    await parent.commitSubmodule({ path: "vendor/lib", url: `../../${name(library.path)}`, commit });
    const login = { username: "me", password: "canary-git-password" };
    await using http = await startGitServer(dirname(parent.path), login);
    const secrets = { "git/user": login.username, "git/password": login.password };
    const credentials = {
      usernameSecret: { name: "git", key: "user" },
      passwordSecret: { name: "git", key: "password" },
    };
    const repo = `${http.url}/${name(parent.path)}`;
    check(await runPod(cluster, loadsGit({ repo, ...credentials, ...location }, { secrets })));
  },
});

const submodules: ConformanceCase[] = [
  withSubmodule("submodules come along, with the repository's credentials on its own host", {}, (end) => {
    expect(readFileSync(join(whole(end), "vendor/lib/l.txt"), "utf8")).toBe("library\n");
    expect(git(end.input("a"), "submodule", "status")).toMatch(/^[0-9a-f]{40} vendor\/lib/);
  }),
  withSubmodule("disableSubmodules leaves their directories empty", { disableSubmodules: true }, (end) =>
    expect(readdirSync(join(whole(end), "vendor/lib"))).toEqual([]),
  ),
];

const ssh = (
  statement: string,
  location: object,
  knownHosts: "knownHost" | "wrongKnownHost" | undefined,
  check: (end: PodEnd) => void,
): ConformanceCase => ({
  section: "12.2",
  statement,
  impossible: whyNoSshServer() ?? whyNoNames(),
  run: async (cluster) => {
    await using repository = await createGitRepository();
    await repository.commit("first", { "a.txt": "over ssh\n" });
    await using server = await startSshServer();
    const repo = `ssh://${server.user}@127.0.0.1:${server.port}${repository.path}`;
    const request = loadsGit(
      { repo, sshPrivateKeySecret: { name: "git", key: "key" }, ...location },
      {
        secrets: { "git/key": server.privateKey },
        ...(knownHosts && {
          config: { known_hosts: server[knownHosts] },
          env: { SSH_KNOWN_HOSTS: "/argo/config/known_hosts" },
        }),
      },
    );
    check(await runPod(cluster, request));
  },
});

/** In a locked container the user has no name, and ssh wants one. */
function whyNoNames(): string | undefined {
  const found = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"];
  return found.some((directory) => existsSync(join(directory, "libnss_wrapper.so")))
    ? undefined
    : "libnss_wrapper.so is not there: apt-get install libnss-wrapper";
}

const overSsh: ConformanceCase[] = [
  ssh("over ssh, a key from a secret and known hosts let in", {}, "knownHost", (end) =>
    expect(readFileSync(join(whole(end), "a.txt"), "utf8")).toBe("over ssh\n"),
  ),
  ssh("insecureIgnoreHostKey takes any host", { insecureIgnoreHostKey: true }, undefined, (end) =>
    expect(readFileSync(join(whole(end), "a.txt"), "utf8")).toBe("over ssh\n"),
  ),
  ssh("a host whose key is another than the known one is refused", {}, "wrongKnownHost", (end) =>
    refused(
      end,
      /^artifact a failed to load: failed to clone .*host key .* shows .*SHA256:.* line 1, has .*SHA256:/,
    ),
  ),
];

conformance("git", [...revisions, ...clones, ...submodules, ...overSsh]);
