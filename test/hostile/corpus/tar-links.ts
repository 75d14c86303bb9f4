import { corrupt, DIRECTORY, escapes, FILE, type HostileArchive } from "./hostile-case.ts";
import { tar } from "./tar-case.ts";
import { directory, file, gnuLong, hardLink, pax, symlink } from "./tar-parts.ts";

const THROUGH = escapes(
  /^illegal file path after symlink resolution: an entry leads through the symbolic link /,
);
const TARGET = escapes(/^illegal symlink target: /);
const HARD = escapes(/^illegal hard link target: /);

const outside = [
  tar(
    "CVE-2025-66626 (argo-workflows), CVE-2011-5325 (BusyBox)",
    "a link outside, then a file through it",
    ({ victim }) => [symlink("x", victim), file("x/secret", "owned")],
    TARGET,
  ),
  tar(
    "CVE-2019-1002101 (kubectl cp)",
    "a relative link outside, then a file through it",
    [symlink("x", "../victim"), file("x/secret", "owned")],
    TARGET,
  ),
  ...["..", "../victim", "a/../../victim", ".", "a/..", "./", "../into"].map((target) =>
    tar(
      "CVE-2025-59343 (tar-fs)",
      `a link to ${target}, which is not strictly inside`,
      [symlink("x", target)],
      TARGET,
    ),
  ),
  tar(
    "CVE-2025-59343 (tar-fs)",
    "a link to a neighbour whose name begins like the root's",
    [symlink("x", "../into-sibling"), file("x/secret", "owned")],
    TARGET,
  ),
  tar(
    "CVE-2026-23745 (node-tar)",
    "an absolute link, even into the tree",
    ({ into }) => [file("f"), symlink("x", `${into}/f`)],
    TARGET,
  ),
  tar(
    "f48b5fa (node-tar)",
    "a link that Windows would take for another drive",
    [symlink("x", "C:../../victim")],
    {
      tree: { x: "link -> C:../../victim" },
    },
  ),
  tar(
    "CVE-2026-23745 (node-tar)",
    "a pax linkpath that overrides a harmless one",
    [pax({ linkpath: "../victim/secret" }), symlink("l", "fine")],
    TARGET,
  ),
  tar("CVE-2026-23745 (node-tar)", "a link without a target", [symlink("l", "")], TARGET),
];

const through = [
  ...(
    [
      ["a file", file("l/secret", "owned")],
      ["a directory", directory("l/new")],
      ["a link", symlink("l/new", "secret")],
      ["a hard link", hardLink("l/new", "d/f")],
      ["something deeper", file("l/a/b/c", "owned")],
    ] as const
  ).map(([what, part]) =>
    tar(
      "CVE-2025-66626 (argo-workflows)",
      `${what} through a link, even to a directory inside`,
      [file("d/f"), symlink("l", "d"), part],
      THROUGH,
    ),
  ),
  tar(
    "CVE-2021-32803 (node-tar)",
    "a directory that is known, then a link in its place, then a file below",
    [directory("d"), symlink("d", "e"), file("d/secret", "owned")],
    THROUGH,
  ),
  tar(
    "CVE-2026-33056 (tar-rs)",
    "a directory entry with the name of a link: its mode must not reach the target",
    [directory("e", 0o755), symlink("d", "e"), directory("d", 0o777)],
    { tree: { d: "dir 777", e: DIRECTORY } },
  ),
  tar(
    "119c401 (node-tar)",
    "a link and a file of one name, again and again",
    [file("f", "old"), ...Array.from({ length: 50 }, () => [symlink("l", "f"), file("l", "new")]).flat()],
    { tree: { f: 'file 644 @1700000000 "old"', l: 'file 644 @1700000000 "new"' } },
  ),
  tar(
    "CVE-2021-38511 (tar-rs)",
    "directories that would be made through a link",
    [symlink("l", "d"), directory("l/new"), directory("d")],
    THROUGH,
  ),
];

const chains = [
  // deep/a/b/up is deep; read as text, out is deep, followed it is two above the root.
  tar(
    "CVE-2025-4330 (CPython)",
    "links that lead outside only together",
    [directory("deep/a/b"), symlink("deep/a/b/up", "../.."), symlink("out", "deep/a/b/up/../../../deep")],
    TARGET,
  ),
  tar(
    "CVE-2025-4330 (CPython)",
    "the same, the harmful half first",
    [symlink("out", "deep/a/b/up/../../../deep"), directory("deep/a/b"), symlink("deep/a/b/up", "../..")],
    TARGET,
  ),
  tar(
    "CVE-2024-12905 (tar-fs)",
    "links in a circle, which lead nowhere",
    [symlink("a", "b"), symlink("b", "a"), symlink("c", "c/x")],
    { tree: { a: "link -> b", b: "link -> a", c: "link -> c/x" } },
  ),
  tar(
    "GHSA-23hp-3jrh-7fpw (node-tar)",
    "links made to be intricate, which would hold up whoever resolves them",
    [
      ...Array.from({ length: 300 }, (_, at) =>
        Buffer.concat([pax({ linkpath: `${"./".repeat(1000)}l${at + 1}` }), symlink(`l${at}`, "")]),
      ),
    ],
    { refused: "archive.limit_exceeded", because: /too intricate/ },
  ),
  tar(
    "found here",
    "a link with more of a target than the kernel takes, each step of which is slower than the one before",
    [gnuLong("K", "a/".repeat(500_000)), symlink("l", ""), symlink("to-it", "l")],
    { refused: "archive.limit_exceeded", because: /^the symbolic link l has a target of 1000000 bytes/ },
  ),
  tar(
    "found here",
    "deep targets, which cost more to follow than shallow ones",
    Array.from({ length: 500 }, (_, at) =>
      Buffer.concat([gnuLong("K", "a/".repeat(2000)), symlink(`l${at}`, "")]),
    ),
    { refused: "archive.limit_exceeded", because: /too intricate/ },
  ),
  tar(
    "GHSA-23hp-3jrh-7fpw (node-tar)",
    "a thousand ordinary links, which are not intricate",
    Array.from({ length: 1000 }, (_, at) => symlink(`a/l${at}`, `../c/d/f${at}`)),
    {
      tree: {
        a: DIRECTORY,
        ...Object.fromEntries(Array.from({ length: 1000 }, (_, at) => [`a/l${at}`, `link -> ../c/d/f${at}`])),
      },
    },
  ),
  tar(
    "GHSA-23hp-3jrh-7fpw (node-tar)",
    "links that double at every step, 2^60 steps in all",
    [...Array.from({ length: 60 }, (_, at) => symlink(`l${at}`, `l${at + 1}/l${at + 1}`)), directory("l60")],
    {
      tree: {
        ...Object.fromEntries(
          Array.from({ length: 60 }, (_, at) => [`l${at}`, `link -> l${at + 1}/l${at + 1}`]),
        ),
        l60: DIRECTORY,
      },
    },
  ),
];

const hard = [
  ...["../victim/secret", "a/../../victim/secret", "/../victim/secret"].map((target) =>
    tar(
      "CVE-2026-24842 (node-tar)",
      `a hard link to ${target}, then a file of its name`,
      [hardLink("h", target), file("h", "owned")],
      HARD,
    ),
  ),
  tar(
    "CVE-2018-20834 (node-tar), CVE-2018-20835 (tar-fs)",
    "a hard link to an absolute path, then a file of its name",
    ({ victim }) => [hardLink("h", `${victim}/secret`), file("h", "owned")],
    corrupt(/which is no file before it/),
  ),
  tar(
    "CVE-2026-26960 (node-tar), CVE-2025-48387 (tar-fs)",
    "a hard link through a symbolic link",
    [file("d/f"), symlink("l", "d"), hardLink("h", "l/f")],
    THROUGH,
  ),
  tar(
    "CVE-2024-12905 (tar-fs)",
    "a hard link to a symbolic link outside",
    ({ victim }) => [symlink("l", `${victim}/secret`), hardLink("h", "l"), file("h", "owned")],
    TARGET,
  ),
  tar(
    "CVE-2025-48387 (tar-fs)",
    "a hard link to a harmless symbolic link, from where it is not harmless",
    [file("f"), symlink("d/l", "../f"), hardLink("m", "d/l")],
    TARGET,
  ),
  tar(
    "CVE-2025-48387 (tar-fs)",
    "a hard link to a symbolic link that stays inside: a second link",
    [file("d/f"), symlink("d/l", "f"), hardLink("d/m", "d/l")],
    { tree: { d: DIRECTORY, "d/f": FILE, "d/l": "link -> f", "d/m": "link -> f" } },
  ),
  tar(
    "9704d8c (node-tar)",
    "a hard link ahead of its target",
    [hardLink("h", "f"), file("f")],
    corrupt(/which is no file before it/),
  ),
  tar(
    "9704d8c (node-tar)",
    "a hard link to a directory",
    [directory("f"), hardLink("h", "f")],
    corrupt(/which is no file before it/),
  ),
  tar(
    "9704d8c (node-tar)",
    "a hard link to the root",
    [hardLink("h", ".")],
    corrupt(/which is no file before it/),
  ),
  tar("9704d8c (node-tar)", "a hard link to itself", [file("f"), hardLink("f", "f")], { tree: { f: FILE } }),
  tar(
    "CVE-2018-20834 (node-tar)",
    "a file with the name of a hard link inside: the other name keeps its content",
    [file("f", "old"), hardLink("h", "f"), file("h", "new")],
    { tree: { f: 'file 644 @1700000000 "old"', h: 'file 644 @1700000000 "new"' } },
  ),
];

/** Symbolic and hard links that lead outside, or lead others there. */
export const TAR_LINKS: readonly HostileArchive[] = [...outside, ...through, ...chains, ...hard];
