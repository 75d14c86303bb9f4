import { deflateRawSync } from "node:zlib";
import {
  corrupt,
  escapes,
  type HostileArchive,
  type Outcome,
  type Place,
  unsupported,
} from "./hostile-case.ts";
import { LINK_MODE, stored, type ZipEnd, type ZipPart, zip } from "./zip-parts.ts";

function zipCase(
  advisory: string,
  what: string,
  parts: ZipPart[] | ((place: Place) => ZipPart[]),
  outcome: Outcome,
  end?: ZipEnd,
): HostileArchive {
  return {
    advisory,
    what,
    outcome,
    bytes: (place) => zip(typeof parts === "function" ? parts(place) : parts, end),
  };
}

/** Times of zip entries are not restored, so trees name files without one. */
const named = (text: string, mode = "644"): string => `file ${mode} ${JSON.stringify(text)}`;

const SLIP = escapes(/: Illegal file path$/);
const TARGET = escapes(/^illegal symlink target: /);
const THROUGH = escapes(/^illegal file path after symlink resolution: /);
const ZIP_SLIP = "CVE-2025-62156 (argo-workflows), CVE-2018-1002200 (zip slip)";

const link = (name: string, target: string): ZipPart => stored(name, target, { mode: LINK_MODE });

/** The sizes of a zip64 entry, and where it begins. */
function zip64(...values: bigint[]): Buffer {
  const extra = Buffer.alloc(4 + 8 * values.length);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(8 * values.length, 2);
  values.forEach((value, index) => {
    extra.writeBigUInt64LE(value, 4 + 8 * index);
  });
  return extra;
}

const FULL = 0xffffffff;

const impossible = [
  zipCase(
    "found here",
    "a directory with data, which some readers make a file",
    [stored("d/", "lost", { mode: 0o040755 })],
    corrupt(/^corrupt zip archive: d is a directory with 4 bytes of data$/),
  ),
  ...[0xfffffff0n, 2n ** 52n].map((bytes) =>
    zipCase(
      "found here",
      `a link whose target is said to be ${bytes} bytes when packed`,
      [{ ...link("l", "x"), method: 8, size: FULL, packedSize: FULL, extra: zip64(1n, bytes) }],
      corrupt(/^corrupt zip archive: the link l has a target of \d+ bytes$/),
    ),
  ),
  zipCase(
    "found here",
    "an entry that begins where no file can reach",
    [stored("f", "x", { size: FULL, packedSize: FULL, offset: FULL, extra: zip64(1n, 1n, 2n ** 63n) })],
    corrupt(/^truncated zip archive: it ends within f$/),
  ),
];

const names = [
  ...[
    "../victim/secret",
    "a/../../victim/secret",
    "/../victim/secret",
    "..",
    "../into-sibling/secret",
    "../victim/new/",
  ].map((name) =>
    zipCase(
      ZIP_SLIP,
      `the name ${name}`,
      [stored("ok", "x"), stored(name, name.endsWith("/") ? "" : "owned")],
      SLIP,
    ),
  ),
  zipCase(
    ZIP_SLIP,
    "an absolute name",
    ({ victim }) => [stored("f", "x"), stored(`${victim}/new`, "owned")],
    {
      tree: ({ victim }) => ({ f: named("x"), ...below(victim, "new") }),
    },
  ),
  zipCase(
    "CVE-2021-37701 (node-tar)",
    "a backslash, which is a character like any other",
    [stored("..\\victim\\secret", "x"), stored("f", "")],
    {
      tree: { "..\\victim\\secret": named("x"), f: named("") },
    },
  ),
  zipCase("7a635c2 (node-tar)", "a NUL in a name", [stored("ok\0/../../victim", "x")], SLIP),
  zipCase(
    "parser differential",
    "a local header with another name than the directory's",
    [stored("honest", "x", { local: { name: "../victim/secret" } })],
    { tree: { honest: named("x") } },
  ),
  zipCase(
    "parser differential",
    "a file that is the root itself",
    [stored("./", "", { mode: 0o100644 }), stored(".", "x")],
    SLIP,
  ),
  zipCase(
    "set-id bits",
    "a mode that would make a program run as its owner",
    [stored("suid", "x", { mode: 0o104755 })],
    {
      tree: { suid: named("x", "755") },
    },
  ),
  zipCase(
    "device files",
    "a device and a fifo",
    [stored("f", "x"), stored("memory", "", { mode: 0o020666 }), stored("pipe", "", { mode: 0o010644 })],
    {
      tree: { f: named("x") },
      skipped: ["memory", "pipe"],
    },
  ),
  zipCase(
    "names that meet",
    "a file twice, the later one shorter",
    [stored("f", "a long text"), stored("f", "short")],
    {
      tree: { f: named("short") },
    },
  ),
  zipCase(
    "names that meet",
    "a directory with entries, then a file",
    [stored("d/f", ""), stored("d", "x")],
    corrupt(/is there twice/),
  ),
];

const links = [
  zipCase(
    "CVE-2025-66626 (argo-workflows)",
    "a link outside, then a file through it",
    ({ victim }) => [link("l", victim), stored("l/secret", "owned")],
    TARGET,
  ),
  zipCase(
    "CVE-2020-12265 (decompress)",
    "a relative link outside, then a file through it",
    [link("l", "../victim"), stored("l/secret", "owned")],
    TARGET,
  ),
  zipCase(
    "CVE-2025-59343 (tar-fs)",
    "a link to a neighbour whose name begins like the root's",
    [link("l", "../into-sibling")],
    TARGET,
  ),
  zipCase(
    "CVE-2025-66626 (argo-workflows)",
    "a link inside, then a file through it",
    [stored("d/f", ""), link("l", "d"), stored("l/f", "owned")],
    THROUGH,
  ),
  zipCase(
    "CVE-2025-4330 (CPython)",
    "links that lead outside only together",
    [stored("deep/a/b/f", ""), link("deep/a/b/up", "../.."), link("out", "deep/a/b/up/../../../deep")],
    TARGET,
  ),
  zipCase(
    "parser differential",
    "a link whose target is a megabyte long",
    [link("l", "x".repeat(1024 ** 2))],
    corrupt(/has a target of 1048576 bytes/),
  ),
];

const bytes = Buffer.from("hello ".repeat(1000));
const deflated = deflateRawSync(bytes);
const good: ZipPart = { ...stored("f", bytes), data: deflated, method: 8 };
const big = Buffer.alloc(1_000_000, "big");
const bigGood: ZipPart = { ...stored("f", big), data: deflateRawSync(big), method: 8 };
const zeros = Buffer.alloc(4 * 1024 ** 2);
const shared: ZipPart = { ...stored("f0", zeros), data: deflateRawSync(zeros), method: 8 };

const lies = [
  ...(
    [
      ["a wrong checksum", { ...good, crc: 1 }],
      ["more data than listed", { ...good, size: bytes.length - 1 }],
      ["less data than listed", { ...good, size: bytes.length + 1 }],
      ["data cut short", { ...good, packedSize: deflated.length - 5 }],
      ["data that is not deflate", { ...good, data: Buffer.alloc(deflated.length, 0xff) }],
      ["a big file with a wrong checksum", { ...bigGood, crc: 1 }],
      ["a big file with more data than listed", { ...bigGood, size: big.length - 400_000 }],
      ["a big file with less data than listed", { ...bigGood, size: big.length + 1 }],
      ["a big file that is not deflate", { ...bigGood, data: Buffer.alloc(bigGood.data?.length ?? 0, 0xff) }],
      ["an offset beyond the end", { ...good, offset: 1_000_000 }],
      ["an offset to something else", { ...good, offset: 7 }],
    ] as const
  ).map(([what, part]) => zipCase("contract §22 (argo-workflows)", what, [part], corrupt(/zip archive/))),
  zipCase(
    "parser differential",
    "encrypted data",
    [stored("f", "x".repeat(32), { flags: 1, size: 20 })],
    unsupported(/f in the zip is encrypted/),
  ),
  zipCase(
    "parser differential",
    "data compressed with bzip2",
    [stored("f", "x", { method: 12 })],
    unsupported(/method 12/),
  ),
  zipCase(
    "CVE-2024-24789 (Go)",
    "an end that counts fewer entries than the directory has",
    [stored("a", "1"), stored("b", "2")],
    corrupt(/zip archive/),
    {
      entries: 1,
    },
  ),
  zipCase(
    "CVE-2024-24789 (Go)",
    "a second zip in the comment of the first",
    [stored("f", "x")],
    corrupt(/zip archive/),
    {
      comment: zip([stored("hidden", "owned")]),
    },
  ),
  zipCase(
    "GHSA-23hp-3jrh-7fpw (node-tar)",
    "a size that its data cannot have",
    [{ ...good, size: 3 * 1024 ** 3 }],
    {
      refused: "archive.limit_exceeded",
      because: /maxRatio/,
    },
  ),
  zipCase(
    "CVE-2019-13232 (Info-ZIP), Fifield's bomb",
    "300 entries that share four megabytes of data",
    [
      shared,
      ...Array.from(
        { length: 299 },
        (_, at): ZipPart => ({ ...shared, name: `f${at + 1}`, listedOnly: true, offset: 0 }),
      ),
    ],
    { refused: "archive.limit_exceeded", because: /maxBytes of 8388608/ },
  ),
].map((shape) =>
  shape.advisory.includes("Fifield") ? { ...shape, limits: { maxBytes: 8 * 1024 ** 2 } } : shape,
);

const damage: HostileArchive[] = (
  [
    ["a directory that is cut off", zip([good]).subarray(0, -30)],
    ["text instead of a zip", Buffer.from("<html>not found</html>".repeat(10))],
    ["nothing at all", Buffer.alloc(0)],
  ] as const
).map(([what, content]) => ({
  advisory: "contract §22 (argo-workflows)",
  what,
  bytes: () => content,
  outcome: corrupt(/zip archive/),
}));

function below(absolute: string, name: string): Record<string, string> {
  const parts = [...absolute.split("/").filter((part) => part !== ""), name];
  return Object.fromEntries(
    parts.map((_, at) => [
      parts.slice(0, at + 1).join("/"),
      at === parts.length - 1 ? named("owned") : "dir 755",
    ]),
  );
}

/** What is a tar above, as a zip; and what only a zip can be. */
export const ZIPS: readonly HostileArchive[] = [...names, ...links, ...lies, ...impossible, ...damage];
