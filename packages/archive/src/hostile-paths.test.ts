import { describe, expect, it } from "vitest";
import { extractTar } from "./extract-tar.ts";
import { attack, type Outcome, type Scene } from "./testing/attack.ts";
import { chunked } from "./testing/streams.ts";
import { archive, directory, file, gnuLong, hardLink, header, pax, symlink } from "./testing/tar-parts.ts";

/** Unpacks the parts as one archive. */
function attackWith(parts: (scene: Scene) => Buffer[]): Promise<Outcome> {
  return attack((scene, options) => extractTar(chunked(archive(...parts(scene))), options));
}

const escapes = (message: string): unknown =>
  expect.objectContaining({ code: "archive.path_escape", message });

describe("names that lead outside", () => {
  it.each([
    ["../victim/secret"],
    ["a/../../victim/secret"],
    ["./../victim/secret"],
    ["a/b/../../../victim/secret"],
    ["/../victim/secret"],
    [".."],
    ["a/../.."],
  ])("CVE-2025-62156 zip slip: %s", async (name) => {
    const { error, tree } = await attackWith(() => [file("before"), file(name, "owned")]);
    expect(error).toEqual(escapes(`illegal file path: ${name}`));
    expect(Object.keys(tree)).toEqual(["before"]);
  });

  it.each([
    ["a directory", directory("../victim/new")],
    ["a directory's slash", header({ name: "../victim/new/" })],
    ["a link", symlink("../victim/new", "x")],
    ["a hard link", hardLink("../victim/new", "f")],
    ["a fifo", header({ name: "../victim/new", type: "6" })],
    ["a name from the prefix", file("secret", "owned", { prefix: "../victim" })],
    ["a name from GNU's long name", Buffer.concat([gnuLong("L", "../victim/secret"), file("f", "owned")])],
    ["a name from pax", Buffer.concat([pax({ path: "../victim/secret" }), file("f", "owned")])],
  ])("zip slip by %s", async (_what, part) => {
    const { error } = await attackWith(() => [file("f"), part]);
    expect(error).toMatchObject({
      code: "archive.path_escape",
      message: expect.stringMatching(/^illegal file path: \.\.\/vict/),
    });
  });

  it("an absolute name stays below the root", async () => {
    const { error, tree } = await attackWith(({ victim }) => [file(`${victim}/secret`, "owned")]);
    expect(error).toBeUndefined();
    expect(Object.keys(tree).at(-1)).toMatch(/victim\/secret$/);
  });

  it.each([["."], ["./"], ["a/.."], ["/"], [""]])("a file cannot be the root itself: %j", async (name) => {
    const { error } = await attackWith(() => [
      pax({ path: name || "./" }),
      file("x", "owned", { type: "7" }),
    ]);
    expect(error).toMatchObject({ code: "archive.path_escape" });
  });

  it("a backslash is a character like any other", async () => {
    const { error, tree } = await attackWith(() => [file("..\\..\\victim\\secret"), file("C:\\x")]);
    expect(error).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["..\\..\\victim\\secret", "C:\\x"]);
  });

  it("a NUL in a pax path does not cut the name (node-tar 7a635c2)", async () => {
    const { error } = await attackWith(() => [pax({ path: "innocent\0/../../victim/secret" }), file("f")]);
    expect(error).toMatchObject({ code: "archive.corrupt", message: expect.stringContaining("NUL") });
  });

  it("a NUL in a header ends the name, and what is behind it is not read", async () => {
    const { tree } = await attackWith(() => [header({ name: "f\0/../../victim/secret" })]);
    expect(Object.keys(tree)).toEqual(["f"]);
  });
});

describe("links that lead outside", () => {
  it("CVE-2025-66626: a link, then a file through it", async () => {
    const { error, tree } = await attackWith(({ victim }) => [
      symlink("x", victim),
      file("x/secret", "owned"),
    ]);
    expect(error).toMatchObject({
      code: "archive.path_escape",
      message: expect.stringMatching(/^illegal symlink target: x -> \//),
    });
    expect(tree).toEqual({});
  });

  it.each([
    ["..", "x -> .."],
    ["../victim", "x -> ../victim"],
    ["a/../../victim", "x -> a/../../victim"],
    [".", "x -> ."],
    ["a/..", "x -> a/.."],
  ])("a relative target that is not strictly inside: %s", async (target, text) => {
    const { error } = await attackWith(() => [symlink("x", target)]);
    expect(error).toEqual(escapes(`illegal symlink target: ${text}`));
  });

  it("an absolute target, even into the tree, as upstream refuses it", async () => {
    const { error } = await attackWith(({ into }) => [file("f"), symlink("x", `${into}/f`)]);
    expect(error).toMatchObject({ message: expect.stringMatching(/^illegal symlink target: x -> \//) });
  });

  it.each([
    ["a file", file("l/secret", "owned")],
    ["a directory", directory("l/new")],
    ["a link", symlink("l/new", "secret")],
    ["a hard link", hardLink("l/new", "d/f")],
    ["something deeper", file("l/a/b/c", "owned")],
  ])("%s through a link, even to a directory inside", async (_what, part) => {
    const { error, tree } = await attackWith(() => [file("d/f"), symlink("l", "d"), part]);
    expect(error).toEqual(
      escapes("illegal file path after symlink resolution: an entry leads through the symbolic link l"),
    );
    expect(Object.keys(tree)).toEqual(["d", "d/f"]);
  });

  it("a chain of links each of which looks harmless", async () => {
    // deep/a/b/up is deep; read as text, out is deep/a/b/up/../../.. = deep, followed it is two above the root.
    const { error, tree } = await attackWith(() => [
      directory("deep/a/b"),
      symlink("deep/a/b/up", "../.."),
      symlink("out", "deep/a/b/up/../../../deep"),
    ]);
    expect(error).toEqual(escapes("illegal symlink target: out -> deep/a/b/up/../../../deep"));
    expect(Object.keys(tree)).toEqual(["deep", "deep/a", "deep/a/b"]);
  });

  it("a chain whose harmful half comes first", async () => {
    const { error } = await attackWith(() => [
      symlink("out", "deep/a/b/up/../../../deep"),
      directory("deep/a/b"),
      symlink("deep/a/b/up", "../.."),
    ]);
    expect(error).toEqual(escapes("illegal symlink target: out -> deep/a/b/up/../../../deep"));
  });

  it("a link in place of an empty directory, then a file below it (CVE-2026-33056)", async () => {
    const { error } = await attackWith(() => [directory("d"), symlink("d", "e"), file("d/secret", "owned")]);
    expect(error).toMatchObject({ code: "archive.path_escape" });
  });

  it("a directory entry does not change the mode of what a link points to (CVE-2026-33056)", async () => {
    const { error, tree } = await attackWith(() => [
      directory("e", 0o755),
      symlink("d", "e"),
      directory("d", 0o777),
    ]);
    expect(error).toBeUndefined();
    expect(tree).toEqual({ d: "dir 777", e: "dir 755" });
  });

  it("a file in place of a link replaces it and does not write through it", async () => {
    const { error, tree } = await attackWith(() => [file("f", "old"), symlink("l", "f"), file("l", "new")]);
    expect(error).toBeUndefined();
    expect(tree).toEqual({ f: 'file 644 @1700000000 "old"', l: 'file 644 @1700000000 "new"' });
  });

  it("a pax linkpath overrides a harmless link name", async () => {
    const { error } = await attackWith(() => [pax({ linkpath: "../victim/secret" }), symlink("l", "fine")]);
    expect(error).toEqual(escapes("illegal symlink target: l -> ../victim/secret"));
  });

  it("links in a circle are made as they are: they lead nowhere", async () => {
    const { error, tree } = await attackWith(() => [
      symlink("a", "b"),
      symlink("b", "a"),
      symlink("c", "c/x"),
    ]);
    expect(error).toBeUndefined();
    expect(tree).toEqual({ a: "link -> b", b: "link -> a", c: "link -> c/x" });
  });

  it("a link without a target", async () => {
    const { error } = await attackWith(() => [symlink("l", "")]);
    expect(error).toMatchObject({ code: "archive.path_escape" });
  });

  it("links made to be intricate are given up, instead of holding us up", async () => {
    const links = Array.from({ length: 300 }, (_, at) =>
      Buffer.concat([pax({ linkpath: `${"./".repeat(1000)}l${at + 1}` }), symlink(`l${at}`, "")]),
    );
    const { error, tree } = await attackWith(() => links);
    expect(error).toMatchObject({
      code: "archive.limit_exceeded",
      message: expect.stringContaining("too intricate"),
    });
    expect(tree).toEqual({});
  });

  it("a thousand ordinary links are not intricate", async () => {
    const links = Array.from({ length: 1000 }, (_, at) => symlink(`a/b/l${at}`, `../../c/d/f${at}`));
    expect(Object.keys((await attackWith(() => links)).tree)).toHaveLength(1002);
  });
});

describe("hard links that lead outside", () => {
  it.each([["../victim/secret"], ["a/../../victim/secret"], ["/../victim/secret"]])(
    "CVE-2026-24842: target %s",
    async (target) => {
      const { error, tree } = await attackWith(() => [hardLink("h", target), file("h", "owned")]);
      expect(error).toEqual(escapes(`illegal hard link target: h -> ${target}`));
      expect(tree).toEqual({});
    },
  );

  it("CVE-2026-23745: an absolute target is sought below the root", async () => {
    const { error } = await attackWith(({ victim }) => [hardLink("h", `${victim}/secret`)]);
    expect(error).toMatchObject({
      code: "archive.corrupt",
      message: expect.stringContaining("which is no file before it"),
    });
  });

  it("CVE-2026-26960, CVE-2025-48387: a target through a link", async () => {
    const { error } = await attackWith(() => [file("d/f"), symlink("l", "d"), hardLink("h", "l/f")]);
    expect(error).toMatchObject({ code: "archive.path_escape" });
  });

  it("a hard link to a link is a second link, and is checked as one", async () => {
    const inside = await attackWith(() => [file("d/f"), symlink("d/l", "f"), hardLink("d/m", "d/l")]);
    expect(inside.error).toBeUndefined();
    expect(inside.tree).toMatchObject({ "d/l": "link -> f", "d/m": "link -> f" });
    const outside = await attackWith(() => [file("f"), symlink("d/l", "../f"), hardLink("m", "d/l")]);
    expect(outside.error).toEqual(escapes("illegal symlink target: m -> ../f"));
  });

  it.each([
    ["ahead of its target (node-tar 9704d8c)", [hardLink("h", "f"), file("f")]],
    ["to a directory", [directory("f"), hardLink("h", "f")]],
    ["to the root", [hardLink("h", ".")]],
  ])("%s", async (_what, parts) => {
    const { error } = await attackWith(() => parts);
    expect(error).toMatchObject({ code: "archive.corrupt" });
  });

  it("to itself does not lose the file", async () => {
    const { error, tree } = await attackWith(() => [file("f"), hardLink("f", "f")]);
    expect(error).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["f"]);
  });
});

describe("names that meet", () => {
  it("CVE-2026-23950: names that a case-blind or normalising file system would fold stay apart", async () => {
    const { tree } = await attackWith(() => [
      symlink("stra\xc3\x9fe", "x"),
      file("strasse/f"),
      file("STRASSE"),
      file("e\xcc\x81"),
      file("\xc3\xa9"),
    ]);
    expect(Object.keys(tree)).toEqual([
      "STRASSE",
      "e\xcc\x81",
      "strasse",
      "strasse/f",
      "stra\xc3\x9fe",
      "\xc3\xa9",
    ]);
  });

  it("names of JavaScript's own objects are only names", async () => {
    const { tree } = await attackWith(() => [
      file("__proto__/x"),
      file("constructor"),
      symlink("toString", "x"),
    ]);
    expect(Object.keys(tree)).toEqual(["__proto__", "__proto__/x", "constructor", "toString"]);
  });

  it.each([
    ["a directory with entries, then a file", [file("d/f"), file("d")], "is there twice"],
    ["a directory with entries, then a link", [file("d/f"), symlink("d", "e")], "is there twice"],
    ["a file, then something below it", [file("d"), file("d/f")], "is no directory"],
    ["a link kept back, whose directory became a file", [symlink("d/l", "x"), file("d")], "is no directory"],
  ])("%s: refused, because either way something would be lost", async (_what, parts, text) => {
    const { error } = await attackWith(() => parts);
    expect(error).toMatchObject({ code: "archive.corrupt", message: expect.stringContaining(text) });
  });

  it("an empty directory gives way to a file, a file to a directory", async () => {
    const { error, tree } = await attackWith(() => [
      directory("a"),
      file("a"),
      file("b"),
      directory("b"),
      file("b/f"),
    ]);
    expect(error).toBeUndefined();
    expect(Object.keys(tree)).toEqual(["a", "b", "b/f"]);
    expect(tree.b).toBe("dir 755");
  });
});
