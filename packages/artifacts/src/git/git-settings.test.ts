import { ConfigError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { parseGitSettings } from "./git-settings.ts";

const parse = (env: Record<string, string>) => parseGitSettings(undefined, env);

describe("parseGitSettings", () => {
  it("has everything off that upstream has not", () => {
    const settings = parse({});
    expect(settings).toMatchObject({
      program: "git",
      knownHosts: ["/etc/ssh/ssh_known_hosts"],
      stallTimeoutMs: 60_000,
      mirrors: [],
      authorities: [],
      credentialsFile: undefined,
      sshKeysDirectory: undefined,
    });
    expect([settings.lfs("a"), settings.sparse("a"), settings.filter("a")]).toEqual([false, [], ""]);
  });

  it("takes a value for all artifacts, and others for some", () => {
    const settings = parse({
      SKEIN_GIT_LFS: "models=true",
      SKEIN_GIT_SPARSE: "docs/, ./src/app ; tools=bin\nother=",
      SKEIN_GIT_FILTER: "blob:none;big-one=blob:limit=1m",
    });
    expect([settings.lfs("models"), settings.lfs("source")]).toEqual([true, false]);
    expect(["source", "tools", "other"].map((name) => settings.sparse(name))).toEqual([
      ["docs", "src/app"],
      ["bin"],
      [],
    ]);
    expect(["source", "big-one"].map((name) => settings.filter(name))).toEqual([
      "blob:none",
      "blob:limit=1m",
    ]);
  });

  it("takes mirrors by directory and by prefix", () => {
    expect(parse({ SKEIN_GIT_MIRRORS: "/mirrors; https://github.com/=/gh\ngit@host:=/h" }).mirrors).toEqual([
      { prefix: undefined, directory: "/mirrors" },
      { prefix: "https://github.com/", directory: "/gh" },
      { prefix: "git@host:", directory: "/h" },
    ]);
  });

  it.each([
    ["SKEIN_GIT_LFS", "perhaps"],
    ["SKEIN_GIT_SPARSE", "source=../etc"],
    ["SKEIN_GIT_FILTER", "sparse:oid=main:x"],
    ["SKEIN_GIT_FILTER", "--upload-pack=x"],
    ["SKEIN_GIT_MIRRORS", "mirrors"],
    ["SKEIN_GIT_STALL_TIMEOUT_SECONDS", "0"],
  ])("refuses %s=%s, and quotes it", (name, value) => {
    expect(() => parse({ [name]: value })).toThrow(ConfigError);
    expect(() => parse({ [name]: value })).toThrow(name);
    expect(() => parse({ [name]: value })).toThrow(`"${value}"`);
  });
});
