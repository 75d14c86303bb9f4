import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { parseGitRepository, withoutUserInfo } from "./git-repository.ts";

describe("parseGitRepository", () => {
  it.each([
    ["https://github.com/a/b.git", "https", "github.com", "https://github.com/a/b.git"],
    ["HTTPS://github.com/a/b", "https", "github.com", "https://github.com/a/b"],
    ["http://localhost:8080/r", "http", "localhost", "http://localhost:8080/r"],
    ["git@github.com:a/b.git", "ssh", "github.com", "git@github.com:a/b.git"],
    ["github.com:a/b.git", "ssh", "github.com", "github.com:a/b.git"],
    ["ssh://git@host:2222/a/b", "ssh", "host", "ssh://git@host:2222/a/b"],
    ["git://host/a", "git", "host", "git://host/a"],
    ["file:///srv/repo", "file", undefined, "file:///srv/repo"],
    ["/srv/repo", "file", undefined, "/srv/repo"],
  ])("knows %s", (repo, transport, host, url) => {
    expect(parseGitRepository(repo)).toMatchObject({ transport, host, url, password: undefined });
  });

  it("takes credentials out of a URL and keeps them from being printed", () => {
    const repository = parseGitRepository("https://ann:s3cr%40t@example.com:8443/a.git");
    expect(repository).toMatchObject({
      url: "https://example.com:8443/a.git",
      origin: "https://example.com:8443",
      username: "ann",
    });
    expect(repository.password?.reveal()).toBe("s3cr@t");
    expect(inspect(repository)).not.toContain("s3cr");
  });

  it.each([
    "--upload-pack=touch /tmp/x",
    "-oProxyCommand=x:y",
    "ext::sh -c touch% /tmp/x",
    "fd::7",
    "git@-oProxyCommand=touch:x",
    "ssh://-oProxyCommand=touch/x",
    "ftp://host/repo",
    "relative/path",
    "https://exa mple",
    "https://host/a\nb",
    "",
  ])("refuses %j", (repo) => {
    expect(() => parseGitRepository(repo)).toThrow(expect.objectContaining({ code: "git.refused" }));
  });

  it("does not repeat a password in its complaint", () => {
    expect(() => parseGitRepository("https://ann:s3cret@exa mple/")).toThrow(/^(?!.*s3cret)/);
  });
});

describe("withoutUserInfo", () => {
  it("takes out a query, in which some hosts take tokens", () => {
    expect(withoutUserInfo("fatal: repository 'http://host/x.git?private_token=canary/' not found")).toBe(
      "fatal: repository 'http://host/x.git' not found",
    );
  });

  it("leaves nothing but the address", () => {
    expect(withoutUserInfo("fatal: unable to access 'https://a:b@host/x': no")).toBe(
      "fatal: unable to access 'https://host/x': no",
    );
  });
});
