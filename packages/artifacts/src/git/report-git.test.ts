import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGitRepository, type GitRepository } from "../../../../test/support/git-repository.ts";
import { startGitServer } from "../../../../test/support/git-server.ts";
import {
  createTestEngine,
  patternedBytes,
  secretsOf,
  type TestSpan,
  temporaryDirectory,
} from "../test-support.ts";
import { createGitDriver } from "./git-driver.ts";
import { OPTIONS } from "./git-test-support.ts";

let repository: GitRepository;
let commit: string;

beforeAll(async () => {
  repository = await createGitRepository();
  // Versions of one file, so that there are deltas to be resolved.
  const lines = patternedBytes(60_000)
    .toString("hex")
    .replaceAll(/(.{60})/g, "$1\n");
  await repository.commit("one", { "large.txt": lines });
  commit = await repository.commit("two", { "large.txt": `${lines}\nand more\n` });
  await repository.git("repack", "-a", "-d", "-q");
});

afterAll(() => repository[Symbol.asyncDispose]());

async function trace(at: { revision?: string; depth?: number }): Promise<TestSpan> {
  await using directory = await temporaryDirectory();
  await using server = await startGitServer(dirname(repository.path));
  await using test = await createTestEngine(secretsOf({}));
  const repo = `${server.url}${repository.path.slice(dirname(repository.path).length)}/.git`;
  const artifact = { name: "source", git: { repo, ...at } };
  await test.engine.load({ artifact, target: `${directory.path}/source` });
  const span = test.spans.find(({ name }) => name === "loadArtifact");
  if (!span) throw new Error("there is no span");
  return span;
}

describe("the span of a repository", () => {
  it.each([[{}], [{ revision: "main" }], [{ revision: "main", depth: 2 }]])(
    "says what git did, and how long, for %j",
    async (at) => {
      const { events, attributes, seconds } = await trace(at);
      const phases = events.filter(({ name }) => name === "git phase").map((event) => event.attributes);
      expect(phases.map((phase) => phase["argo.git.phase"])).toEqual([
        "connect",
        "negotiate",
        "receive",
        "index",
        "checkout",
      ]);
      const receive = phases.find((phase) => phase["argo.git.phase"] === "receive");
      expect(receive).toMatchObject({ "argo.git.objects": 6 });
      expect(receive?.["argo.git.bytes"]).toBeGreaterThan(10_000);
      const durations = phases.map((phase) => Number(phase["argo.git.duration"]));
      expect(durations.every((duration) => duration > 0)).toBe(true);
      expect(durations.reduce((sum, duration) => sum + duration, 0)).toBeLessThan(seconds);
      expect(attributes).toMatchObject({
        "vcs.ref.head.revision": commit,
        "vcs.ref.head.name": "main",
        "vcs.ref.head.type": "branch",
        "vcs.repository.url.full": expect.stringMatching(
          /^http:\/\/127\.0\.0\.1:\d+\/skein-repository-.*\/\.git$/,
        ),
        "vcs.repository.name": expect.stringMatching(/^skein-repository-/),
        "server.address": "127.0.0.1",
      });
      // The pack is kept as it came: git adds nothing to it but its trailer.
      expect(
        Math.abs(Number(attributes["argo.artifact.bytes"]) - Number(receive?.["argo.git.bytes"])),
      ).toBeLessThan(64);
    },
  );

  it("has no name for a repository that is at the root of its server", () => {
    const attributes = createGitDriver({ repo: "http://git.example:8080/.git" }, OPTIONS).attributes;
    expect(attributes?.["vcs.repository.name"]).toBeUndefined();
    expect(attributes?.["vcs.repository.url.full"]).toBe("http://git.example:8080/.git");
  });

  it("has no name where a commit was asked for", async () => {
    const { attributes } = await trace({ revision: commit, depth: 1 });
    expect(attributes).toMatchObject({ "vcs.ref.head.revision": commit });
    expect(attributes["vcs.ref.head.name"]).toBeUndefined();
    expect(attributes["vcs.ref.head.type"]).toBeUndefined();
  });
});
