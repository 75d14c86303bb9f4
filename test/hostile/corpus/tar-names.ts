import { DIRECTORY, escapes, FILE, type HostileArchive } from "./hostile-case.ts";
import { tar } from "./tar-case.ts";
import { directory, file, gnuLong, hardLink, header, pax, symlink } from "./tar-parts.ts";

const ARGO = "CVE-2025-62156 (argo-workflows)";
const SLIP = escapes(/^illegal file path: /);

const dotDots = [
  "../victim/secret",
  "a/../../victim/secret",
  "./../victim/secret",
  "a/b/../../../victim/secret",
  "/../victim/secret",
  "..",
  "a/../..",
  "../into-sibling/secret",
].map((name) => tar(ARGO, `the name ${name}`, [file("before"), file(name, "owned")], SLIP));

const carriers: [what: string, part: Buffer][] = [
  ["a directory", directory("../victim/new")],
  ["a directory's slash", header({ name: "../victim/new/" })],
  ["a symbolic link", symlink("../victim/new", "x")],
  ["a hard link", hardLink("../victim/new", "f")],
  ["a fifo", header({ name: "../victim/new", type: "6" })],
  ["the header's prefix", file("secret", "owned", { prefix: "../victim" })],
  ["GNU's long name", Buffer.concat([gnuLong("L", "../victim/secret"), file("f", "owned")])],
  ["a pax path", Buffer.concat([pax({ path: "../victim/secret" }), file("f", "owned")])],
];

const elsewhere = [
  tar(
    "CVE-2016-6321 (GNU tar)",
    "a name whose harmless end hides where it leads",
    [file("etc/motd/../../../victim/secret", "owned")],
    SLIP,
  ),
  ...carriers.map(([what, part]) => tar(ARGO, `a name outside, said by ${what}`, [file("f"), part], SLIP)),
  ...["/", "//", "/////"].map((slashes) =>
    tar(
      "CVE-2021-32804 (node-tar)",
      `an absolute name behind ${slashes.length} slashes`,
      ({ victim }) => [file("f"), file(`${slashes}${victim.slice(1)}/new`)],
      { tree: ({ victim }) => ({ f: FILE, ...below(victim, "new") }) },
    ),
  ),
  ...[".", "./", "a/..", "/", "./."].map((name) =>
    tar(
      "contract §13.1 (argo-workflows)",
      `a file that is the root itself: ${name}`,
      [pax({ path: name }), file("x", "owned", { type: "7" })],
      SLIP,
    ),
  ),
  tar(
    "CVE-2021-37713 (node-tar)",
    "names that Windows would take for another drive",
    [file("C:x"), file("C:..\\x")],
    {
      tree: { "C:..\\x": FILE, "C:x": FILE },
    },
  ),
  tar(
    "CVE-2021-37701 (node-tar)",
    "a backslash, which is a character like any other",
    [symlink("a\\x", "b"), file("a/x/f"), file("..\\..\\victim\\secret")],
    {
      tree: {
        a: DIRECTORY,
        "a/x": DIRECTORY,
        "a/x/f": FILE,
        "a\\x": "link -> b",
        "..\\..\\victim\\secret": FILE,
      },
    },
  ),
  tar(
    "7a635c2 (node-tar)",
    "a NUL in a pax path",
    [pax({ path: "innocent\0/../../victim/secret" }), file("f")],
    {
      refused: "archive.corrupt",
      because: /NUL/,
    },
  ),
  tar(
    "7a635c2 (node-tar)",
    "a NUL in a header's name, which ends it",
    [header({ name: "f\0/../../victim/secret" })],
    {
      tree: { f: 'file 644 @1700000000 ""' },
    },
  ),
];

const meetings = [
  tar(
    "CVE-2026-23950, CVE-2021-37712 (node-tar)",
    "names that a case-blind or normalising file system would fold",
    [symlink("stra\xc3\x9fe", "x"), file("strasse/f"), file("STRASSE"), file("e\xcc\x81"), file("\xc3\xa9")],
    {
      tree: {
        STRASSE: FILE,
        strasse: DIRECTORY,
        "strasse/f": FILE,
        "stra\xc3\x9fe": "link -> x",
        "e\xcc\x81": FILE,
        "\xc3\xa9": FILE,
      },
    },
  ),
  tar(
    "prototype pollution",
    "names of JavaScript's own objects",
    [file("__proto__/x"), file("constructor"), symlink("toString", "x")],
    {
      tree: Object.assign(Object.create(null), {
        ["__proto__"]: DIRECTORY,
        "__proto__/x": FILE,
        constructor: FILE,
        toString: "link -> x",
      }),
    },
  ),
  tar(
    "CVE-2024-28863 (node-tar), 631ae59",
    "directories that go deeper than anybody's",
    [file(`${"d/".repeat(2000)}f`)].map((part) =>
      Buffer.concat([gnuLong("L", `${"d/".repeat(2000)}f`), part]),
    ),
    { refused: "archive.limit_exceeded", because: /maxDepth of 256/ },
  ),
  tar(
    "CVE-2025-4517 (CPython)",
    "a path that is longer than the kernel takes",
    [gnuLong("L", `${`${"n".repeat(250)}/`.repeat(17)}f`), file("short")],
    { refused: "archive.limit_exceeded", because: /maxPathBytes of 4096/ },
  ),
  ...[
    ["a directory with entries, then a file", [file("d/f"), file("d")], /is there twice/],
    ["a directory with entries, then a symbolic link", [file("d/f"), symlink("d", "e")], /is there twice/],
    ["a file, then something below it", [file("d"), file("d/f")], /is no directory/],
    ["a link kept back, whose directory became a file", [symlink("d/l", "x"), file("d")], /is no directory/],
  ].map(([what, parts, because]) =>
    tar("names that meet", what as string, parts as Buffer[], {
      refused: "archive.corrupt",
      because: because as RegExp,
    }),
  ),
  tar(
    "names that meet",
    "an empty directory that becomes a file, and a file a directory",
    [directory("a"), file("a"), file("b"), directory("b"), file("b/f")],
    { tree: { a: FILE, b: DIRECTORY, "b/f": FILE } },
  ),
  tar(
    "contract §13.1 (argo-workflows)",
    "a file twice, the later one shorter: nothing of the earlier stays",
    [file("f", "a long text"), file("f", "short")],
    { tree: { f: 'file 644 @1700000000 "short"' } },
  ),
  tar(
    "set-id bits",
    "modes that would make a program run as its owner",
    [
      file("suid", "data", { mode: 0o4755 }),
      file("sgid", "data", { mode: 0o2755 }),
      directory("sticky", 0o1777),
    ],
    { tree: { suid: FILE.replace("644", "755"), sgid: FILE.replace("644", "755"), sticky: "dir 777" } },
  ),
  tar(
    "device files",
    "devices, a fifo and a type that nobody knows",
    [
      file("f"),
      header({ name: "memory", type: "3" }),
      header({ name: "disk", type: "4" }),
      header({ name: "pipe", type: "6" }),
      header({ name: "odd", type: "Z" }),
    ],
    { tree: { f: FILE }, skipped: ["memory", "disk", "pipe", "odd"] },
  ),
];

/** A file and the directories above it. */
function below(absolute: string, name: string): Record<string, string> {
  const parts = [...absolute.split("/").filter((part) => part !== ""), name];
  return Object.fromEntries(
    parts.map((_, at) => [parts.slice(0, at + 1).join("/"), at === parts.length - 1 ? FILE : DIRECTORY]),
  );
}

/** Entries whose names lead outside, or into one another. */
export const TAR_NAMES: readonly HostileArchive[] = [...dotDots, ...elsewhere, ...meetings];
