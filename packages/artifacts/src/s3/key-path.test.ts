import { describe, expect, it } from "vitest";
import { directoryPrefix, relativeKeyPath } from "./key-path.ts";

describe("relativeKeyPath", () => {
  it.each([
    ["out/a.txt", "a.txt"],
    ["out/deep/er/a.txt", "deep/er/a.txt"],
    ["out/marker/", "marker"],
    ["out/a//b", "a/b"],
    ["out/./a", "a"],
    ["out/..a/b..", "..a/b.."],
    ["out/a\\..\\b", "a\\..\\b"],
  ])("puts %s at %s", (key, path) => {
    expect(relativeKeyPath(key, "out/")).toBe(path);
  });

  it.each([
    ["out/../etc/passwd", "leads out of its directory"],
    ["out/a/../../etc/passwd", "leads out of its directory"],
    ["out/..", "leads out of its directory"],
    ["out//etc/passwd", "would be an absolute path"],
    ["out/a\0b", "holds a NUL character"],
    ["elsewhere/a", 'is not below "out/"'],
  ])("refuses %j", (key, why) => {
    expect(() => relativeKeyPath(key, "out/")).toThrow(expect.objectContaining({ code: "s3.key_escape" }));
    expect(() => relativeKeyPath(key, "out/")).toThrow(why);
  });
});

describe("directoryPrefix", () => {
  it.each([
    ["a/b", "a/b/"],
    ["a/b/", "a/b/"],
    ["a//b/./c", "a/b/c/"],
    ["", ""],
  ])("of %j is %j", (key, prefix) => {
    expect(directoryPrefix(key)).toBe(prefix);
  });
});
