import { corrupt, FILE, type HostileArchive, unsupported } from "./hostile-case.ts";
import { tar } from "./tar-case.ts";
import {
  archive,
  base256,
  body,
  directory,
  file,
  gnuLong,
  hardLink,
  header,
  pax,
  withChecksum,
} from "./tar-parts.ts";

const NUMBER = corrupt(/size is not a number we can hold/);
const RECORD = corrupt(/\(pax\) record is malformed/);
const SPARSE = unsupported(/^s is stored as a sparse file/);

function lettersForSize(): Buffer {
  const entry = header({ name: "f" });
  entry.write("12x45678901\0", 124, "latin1");
  return withChecksum(entry);
}

const sizes = [
  ...[
    ["-1", -1n],
    ["-512, which would read the same header for ever", -512n],
    ["-2^63", -(2n ** 63n)],
  ].map(([what, size]) =>
    tar(
      "9e78bf0 (node-tar), CVE-2025-8194 (CPython)",
      `a size of ${what}`,
      [header({ name: "f", size: base256(size as bigint) })],
      corrupt(/^corrupt tar/),
    ),
  ),
  tar(
    "9e78bf0 (node-tar)",
    "a size of 2^53, which a double cannot hold",
    [header({ name: "f", size: base256(2n ** 53n) })],
    NUMBER,
  ),
  tar("9e78bf0 (node-tar)", "a size of 2^88", [header({ name: "f", size: base256(2n ** 88n) })], NUMBER),
  tar("9e78bf0 (node-tar)", "a size with a letter in it", [lettersForSize()], NUMBER),
  tar("disk full", "a size that no disk has", [header({ name: "f", size: base256(2n ** 52n) })], {
    refused: "disk.full",
    because: /the volume is too small/,
  }),
  ...["-5", "1e3", "0x10", " 5", "5 ", "5.5", "99999999999999999", "NaN"].map((size) =>
    tar(
      "e02a4e9 (node-tar)",
      `a pax size of ${JSON.stringify(size)}`,
      [pax({ size }), file("f")],
      corrupt(/pax size/),
    ),
  ),
  ...(() => {
    const hidden = file("hidden", "owned");
    return [
      // By the header's size of 0 the data would be read as the next entry.
      tar(
        "CVE-2025-62518 (tokio-tar)",
        "a pax size that hides an entry in the data of another",
        [pax({ size: String(hidden.length) }), header({ name: "cover", size: 0 }), body(hidden)],
        { tree: { cover: `file 644 @1700000000 ${JSON.stringify(hidden.toString("latin1"))}` } },
      ),
    ];
  })(),
  tar(
    "21a8220 (node-tar)",
    "a pax size with a GNU long name between it and its entry",
    [pax({ size: "4" }), gnuLong("L", "long"), file("short", "four", { size: 0 })],
    { tree: { long: 'file 644 @1700000000 "four"' } },
  ),
  ...["1", "2", "5", "6"].map((type) =>
    tar(
      "parser differential",
      `type ${type}, which has no data, with a size`,
      [file("t"), header({ name: "x", type, size: 512, linkName: "t" }), file("seen")],
      {
        tree: {
          seen: FILE,
          t: FILE,
          ...(type === "1" && { x: FILE }),
          ...(type === "2" && { x: "link -> t" }),
          ...(type === "5" && { x: "dir 755" }),
        },
        ...(type === "6" && { skipped: ["x"] }),
      },
    ),
  ),
  tar(
    "parser differential",
    "a directory by its slash, with data behind it",
    [file("d/", "x")],
    corrupt(/directory with 1 bytes of data/),
  ),
];

const records = [
  ...(
    [
      ["no length", "path=x\n"],
      ["a length that is too long", "99 path=x\n"],
      ["a length that is too short", "8 path=xyz\n"],
      ["a length of zero", "0 path=x\n"],
      ["a length with a sign", "+10 path=x\n"],
      ["no equals sign", "8 pathx\n"],
      ["no key", "5 =x\n"],
      ["no newline", "10 path=xy"],
      ["NULs behind the last record", "10 path=x\n\0\0\0"],
    ] as const
  ).map(([what, text]) =>
    tar(
      "parser differential",
      `a pax record with ${what}`,
      [header({ name: "x", type: "x", size: text.length }), body(text), file("f")],
      RECORD,
    ),
  ),
  tar(
    "GHSA-23hp-3jrh-7fpw (node-tar)",
    "a pax header of two gigabytes",
    [header({ name: "x", type: "x", size: 2 ** 31 })],
    corrupt(/extended header of 2147483648 bytes/),
  ),
  tar(
    "parser differential",
    "a pax header with no entry behind it",
    [pax({ path: "f" })],
    corrupt(/without its entry/),
  ),
  ...["path", "linkpath", "size", "GNU.sparse.major"].map((key) =>
    tar(
      "CVE-2025-62518 (tokio-tar)",
      `a global ${key} for every entry behind it, in some readers`,
      [pax({ [key]: "1" }, "g"), file("f")],
      unsupported(new RegExp(`pax global header sets ${key} `)),
    ),
  ),
  tar(
    "parser differential",
    "a global header with something nobody applies",
    [pax({ "LIBARCHIVE.creationtime": "1" }, "g"), file("f")],
    {
      tree: { f: FILE },
      skipped: [""],
    },
  ),
];

const sparse = [
  tar(
    "contract §13.1 (argo-workflows)",
    "a sparse file in the old GNU form, which upstream leaves out silently",
    [header({ name: "s", type: "S", magic: "ustar  \0" })],
    SPARSE,
  ),
  tar(
    "contract §13.1 (argo-workflows)",
    "a sparse file in pax form 1.0, whose map would be written as its content",
    [
      pax({ "GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.name": "s" }),
      file("s", "1\n0\n5\n"),
    ],
    SPARSE,
  ),
  tar(
    "contract §13.1 (argo-workflows)",
    "a sparse file in pax form 0.1",
    [pax({ "GNU.sparse.map": "0,5" }), file("s", "12345")],
    SPARSE,
  ),
  tar(
    "parser differential",
    "a volume that continues another archive",
    [file("f", "rest", { type: "M" })],
    corrupt(/continues/),
  ),
];

const WHOLE = archive(directory("d"), file("d/f", "x".repeat(1000)), hardLink("h", "d/f"), file("g"));

const damage: HostileArchive[] = [
  ...[1, 512, 700, 1536, 2048, 2560].map(
    (cut): HostileArchive => ({
      advisory: "contract §22 (argo-workflows)",
      what: `cut after ${cut} bytes`,
      bytes: () => WHOLE.subarray(0, cut),
      outcome: corrupt(/^(truncated tar archive|corrupt)/),
    }),
  ),
  {
    advisory: "contract §22 (argo-workflows)",
    what: "an end that was never marked, as of a tar killed between two entries",
    bytes: () => file("f"),
    outcome: corrupt(/no end-of-archive marker/),
  },
  {
    advisory: "parser differential",
    what: "a second archive behind the end of the first",
    bytes: () => Buffer.concat([archive(file("f")), archive(file("hidden"))]),
    outcome: { tree: { f: FILE }, skipped: [""] },
  },
  tar(
    "parser differential",
    "a zero block between entries, behind which some readers stop",
    [file("a"), Buffer.alloc(512), file("b")],
    corrupt(/lone zero block/),
  ),
  {
    advisory: "parser differential",
    what: "a flipped bit in a header",
    bytes: () => {
      const bytes = Buffer.from(WHOLE);
      bytes[2] = (bytes[2] ?? 0) ^ 1;
      return bytes;
    },
    outcome: corrupt(/checksum/),
  },
];

/** Headers that lie about sizes and kinds, and archives that are damaged. */
export const TAR_HEADERS: readonly HostileArchive[] = [...sizes, ...records, ...sparse, ...damage];
