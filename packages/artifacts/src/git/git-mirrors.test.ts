import { describe, expect, it } from "vitest";
import { findMirror, type GitMirror } from "./git-mirrors.ts";
import { parseGitRepository } from "./git-repository.ts";

const BY_HOST: GitMirror = { prefix: undefined, directory: "/m" };

function find(repo: string, mirrors: readonly GitMirror[], ...there: string[]): string | undefined {
  const files = new Set(there.flatMap((path) => [`${path}/HEAD`, `${path}/objects`]));
  return findMirror(parseGitRepository(repo), mirrors, (path) => files.has(path));
}

describe("findMirror", () => {
  it.each([
    ["https://github.com/org/repo", "/m/github.com/org/repo.git"],
    ["https://GitHub.com/org/repo.git", "/m/github.com/org/repo.git"],
    ["https://github.com:8443/org/repo.git/", "/m/github.com/org/repo"],
    ["git@github.com:org/repo.git", "/m/github.com/org/repo.git"],
    ["ssh://git@github.com:22/org/repo", "/m/github.com/org/repo/.git"],
  ])("finds %s by host and path", (repo, path) => {
    expect(find(repo, [BY_HOST], path)).toBe(path);
  });

  it("finds by the beginning of an address, and takes the first that is there", () => {
    const mirrors = [{ prefix: "https://github.com/org/", directory: "/org" }, BY_HOST];
    const byHost = "/m/github.com/org/repo.git";
    expect(find("https://github.com/org/repo", mirrors, "/org/repo.git", byHost)).toBe("/org/repo.git");
    expect(find("https://github.com/org/repo", mirrors, byHost)).toBe(byHost);
    expect(find("https://github.com/org/repo/.git", mirrors, "/org/repo/.git")).toBe("/org/repo/.git");
    expect(find("https://github.com/other/repo", mirrors, "/org/repo.git")).toBeUndefined();
  });

  it.each([
    "git@host:../../etc/repo",
    "git@host:a/../../../etc/repo",
    "https://host/",
    "https://host/.git",
    "file:///srv/repo",
    "/srv/repo",
  ])("never leads out of the directory, nor to itself: %s", (repo) => {
    const always = () => true;
    const found = findMirror(
      parseGitRepository(repo),
      [BY_HOST, { prefix: "git@host:", directory: "/m" }],
      always,
    );
    expect(found).toBeUndefined();
  });
});
