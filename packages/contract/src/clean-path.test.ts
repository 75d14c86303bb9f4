import { describe, expect, it } from "vitest";
import { cleanArtifactPath, cleanPath, isWithin, joinPath } from "./clean-path.ts";

describe("cleanPath", () => {
  it.each([
    ["", "."],
    ["/", "/"],
    ["a//b", "a/b"],
    ["/a/./b/", "/a/b"],
    ["/a/../..", "/"],
    ["../a", "../a"],
    ["a/../../b", "../b"],
    ["./", "."],
  ])("cleans %j to %j as Go does", (path, cleaned) => {
    expect(cleanPath(path)).toBe(cleaned);
  });
});

describe("joinPath", () => {
  it.each([
    [["a", "b"], "a/b"],
    [["a/", "/b"], "a/b"],
    [["", ""], ""],
    [["", "b"], "b"],
    [["wf/pod/", "x.tgz"], "wf/pod/x.tgz"],
  ])("joins %j to %j", (elements, joined) => {
    expect(joinPath(...elements)).toBe(joined);
  });
});

describe("isWithin", () => {
  it("compares by components, not by characters", () => {
    expect(isWithin("/data2", "/data")).toBe(false);
    expect(isWithin("/data/x", "/data")).toBe(true);
    expect(isWithin("/data", "/data")).toBe(true);
    expect(isWithin("/x", "/")).toBe(true);
  });
});

describe("cleanArtifactPath", () => {
  it.each(["/a/../b", "/a/b/..", "/a/b/../c", "../x", "/..", ".."])("refuses %j", (path) => {
    expect(() => cleanArtifactPath({ name: "x", path })).toThrow(
      path === "/a/b/../c" ? /traversal|'\.\.'/ : /Directory traversal is not permitted/,
    );
  });

  it.each([
    ["a//b", "a/b"],
    ["/a/..x", "/a/..x"],
    ["/x//abc", "/x/abc"],
  ])("accepts %j as %j", (path, cleaned) => {
    expect(cleanArtifactPath({ name: "x", path })).toBe(cleaned);
  });

  it.each([
    ["/x//ab", "/x/ab"],
    ["//ab", "/ab"],
    ["./ab", "ab"],
  ])("accepts %j, which holds no '..' at all, unlike upstream (§22.43)", (path, cleaned) => {
    expect(cleanArtifactPath({ name: "x", path })).toBe(cleaned);
  });

  it("names the artifact that has no path", () => {
    expect(() => cleanArtifactPath({ name: "model" })).toThrow("Artifact 'model' did not specify a path");
  });
});
