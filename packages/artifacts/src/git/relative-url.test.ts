import { describe, expect, it } from "vitest";
import { createGitRepository } from "../../../../test/support/git-repository.ts";
import { resolveSubmoduleUrl } from "./relative-url.ts";

describe("resolveSubmoduleUrl", () => {
  const cases: [string, string, string][] = [
    ["../b.git", "https://host/group/a.git", "https://host/group/b.git"],
    ["../../other/b", "https://host/group/a.git/", "https://host/other/b"],
    ["./b", "https://host:8443/group/a", "https://host:8443/group/a/b"],
    ["../b/", "git@host:group/a.git", "git@host:group/b"],
    ["../b", "git@host:a.git", "git@host:b"],
    ["../.././b", "ssh://git@host:22/x/a", "ssh://git@host:22/b"],
    ["../b", "/srv/a", "/srv/b"],
    ["../b", "file:///srv/a", "file:///srv/b"],
    ["https://elsewhere/x", "https://host/a", "https://elsewhere/x"],
    ["git@elsewhere:x", "https://host/a", "git@elsewhere:x"],
  ];

  it.each(cases)("makes %s of %s whole", (url, parent, whole) => {
    expect(resolveSubmoduleUrl(url, parent)).toBe(whole);
  });

  it("does as git does", async () => {
    for (const [url, parent, whole] of cases) {
      await using repository = await createGitRepository();
      await repository.git("remote", "add", "origin", parent);
      const commit = await repository.commit("one", {});
      await repository.commitSubmodule({ path: "x", url, commit });
      await repository.git("submodule", "--quiet", "init");
      expect((await repository.git("config", "submodule.x.url")).trim()).toBe(whole);
    }
  });

  it.each([
    ["../../x", "https://host/a"],
    ["../../../../etc", "git@host:a"],
    ["../../x", "/a"],
  ])("leads %s of %s nowhere", (url, parent) => {
    expect(resolveSubmoduleUrl(url, parent)).toBeUndefined();
  });
});
