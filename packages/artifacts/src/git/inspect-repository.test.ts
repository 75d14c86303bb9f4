import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { createGitRepository } from "../../../../test/support/git-repository.ts";
import { inspectRepository } from "../inspect.ts";
import { secretsOf, temporaryDirectory } from "../test-support.ts";
import { settingsFrom } from "./git-test-support.ts";
import { keysOfHosts } from "./known-hosts.ts";

const options = () => ({
  secrets: secretsOf({}),
  settings: settingsFrom({}),
  signal: AbortSignal.timeout(60_000),
});

describe("inspectRepository", () => {
  it("tells the commit of the default branch, and brings nothing", async () => {
    await using repository = await createGitRepository();
    const commit = await repository.commit("one", { "a.txt": "one\n" });
    expect(await inspectRepository({ repo: repository.path }, options())).toEqual({
      url: repository.path,
      transport: "file",
      commit,
    });
  });

  it("fails as a load of it would", async () => {
    await expect(inspectRepository({ repo: "/no/such/repository" }, options())).rejects.toMatchObject({
      code: "git.repository_not_found",
    });
    await expect(inspectRepository({ repo: "ext::sh" }, options())).rejects.toMatchObject({
      code: "git.refused",
    });
  });
});

describe("keysOfHosts", () => {
  it("counts lines that trust somebody", async () => {
    await using directory = await temporaryDirectory();
    const file = join(directory.path, "known_hosts");
    const lines = [
      "# a comment",
      "",
      "github.com ssh-ed25519 AAAA",
      "|1|c2FsdA==|aGFzaA== ssh-ed25519 AAAA comment",
      "@cert-authority *.example.com ssh-ed25519 AAAA",
      "@revoked * ssh-ed25519 AAAA",
      "half a",
    ];
    await writeFile(file, lines.join("\n"));
    expect(await keysOfHosts(file)).toBe(3);
  });
});
