import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { extractTar, extractZip, packTar, packZip } from "@skein/archive";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Node, treeArbitrary, writeNode } from "../../packages/archive/src/testing/generated-tree.ts";
import { readTree } from "../../packages/archive/src/testing/read-tree.ts";
import { chunked, collect } from "../../packages/archive/src/testing/streams.ts";
import { temporaryDirectory } from "../../packages/archive/src/testing/temporary-directory.ts";
import { CORPUS } from "./corpus/corpus.ts";
import { type HostileArchive, SOMEWHERE, type Tree } from "./corpus/hostile-case.ts";
import { archive, directory, file, gnuLong, hardLink, pax, symlink } from "./corpus/tar-parts.ts";
import { type OtherReader, TAR_READERS, ZIP_READERS } from "./support/other-readers.ts";

/** Where we are stricter than everybody: no set-id bits, and directories that another user may enter (README). */
function withOurModes(tree: Tree): Tree {
  const permissions = (mode: string, least: number): string =>
    ((Number.parseInt(mode, 8) & 0o777) | least).toString(8);
  return mapTree(tree, (what) =>
    what
      .replace(/^dir (\d+)/, (_, mode: string) => `dir ${permissions(mode, 0o755)}`)
      .replace(/^file (\d+)/, (_, mode: string) => `file ${permissions(mode, 0)}`),
  );
}

/** For readers that have a mind of their own about modes or times. */
const withoutModes = (tree: Tree): Tree => mapTree(tree, (what) => what.replace(/^(dir|file) \d+/, "$1"));
const withoutTimes = (tree: Tree): Tree =>
  mapTree(tree, (what) => what.replace(/(?<=^file )(\d+ )?@\S+ /, "$1"));

function mapTree(tree: Tree, change: (what: string) => string): Tree {
  return Object.fromEntries(Object.entries(tree).map(([name, what]) => [name, change(what)]));
}

interface Comparison {
  reader: OtherReader;
  /** What of a tree this reader has in common with us. */
  common: (tree: Tree) => Tree;
  /** Shapes of the corpus of which it makes something else, with what it makes of them. */
  differs: Readonly<Record<string, string>>;
  /** Whether a later entry of a name replaces the earlier one, as POSIX has it. */
  replaces: boolean;
}

const [gnu, bsd, python] = TAR_READERS as [OtherReader, OtherReader, OtherReader];
const TARS: readonly Comparison[] = [
  { reader: gnu, common: withOurModes, differs: {}, replaces: true },
  {
    reader: bsd,
    common: withOurModes,
    differs: { "names that Windows would take for another drive": "it takes `C:` off the names" },
    replaces: true,
  },
  {
    reader: python,
    common: withoutModes,
    differs: {
      "a directory entry with the name of a link: its mode must not reach the target": "the link stays",
      "a link and a file of one name, again and again": "it writes through the link",
      "a file with the name of a hard link inside: the other name keeps its content": "it writes into both",
    },
    replaces: false,
  },
];

const [infoZip, bsdForZip, pythonZip] = ZIP_READERS as [OtherReader, OtherReader, OtherReader];
const ZIPS: readonly Comparison[] = [
  { reader: infoZip, common: (tree) => withoutTimes(withOurModes(tree)), differs: {}, replaces: true },
  { reader: bsdForZip, common: (tree) => withoutTimes(withOurModes(tree)), differs: {}, replaces: true },
  { reader: pythonZip, common: (tree) => withoutTimes(withoutModes(tree)), differs: {}, replaces: true },
];

/** Those that we unpack whole. What we refuse, others may unpack: that is what being stricter means. */
const accepted = (shapes: readonly HostileArchive[]): [title: string, shape: HostileArchive][] =>
  shapes
    .filter(({ outcome }) => "tree" in outcome && outcome.skipped === undefined)
    .map((shape) => [`${shape.advisory}: ${shape.what}`, shape]);

async function unpackTar(bytes: Buffer, into: string): Promise<Tree> {
  await extractTar(chunked(bytes), { into });
  return readTree(into);
}

async function unpackZip(bytes: Buffer, into: string): Promise<Tree> {
  writeFileSync(`${into}.zip`, bytes);
  await extractZip(`${into}.zip`, { into });
  return readTree(into);
}

async function agree(
  { reader, common, differs }: Comparison,
  { what, bytes }: HostileArchive,
  unpack: (bytes: Buffer, into: string) => Promise<Tree>,
): Promise<void> {
  using at = temporaryDirectory();
  const content = bytes(SOMEWHERE);
  const ours = await unpack(content, at.join("ours"));
  // Where they give up we may go on, but never with another result than theirs.
  if (!reader.extract(content, at.join("theirs"))) return;
  const theirs = readTree(at.join("theirs"));
  if (differs[what] === undefined) expect(common(theirs)).toEqual(common(ours));
  else expect(common(theirs), `no longer true: ${differs[what]}`).not.toEqual(common(ours));
}

describe.each(TARS.map((comparison) => [comparison.reader.name, comparison] as const))(
  "%s",
  (_name, comparison) => {
    const { reader, common, replaces } = comparison;

    it.for(accepted(CORPUS.tar))(
      "makes the same of a hostile tar that we unpack: %s",
      async ([, shape], { skip }) => {
        if (reader.missing) skip(reader.missing);
        await agree(comparison, shape, unpackTar);
      },
    );

    it("makes the same of entries that contradict each other, when we unpack them", async ({ skip }) => {
      if (reader.missing) skip(reader.missing);
      let compared = 0;
      const property = fc.asyncProperty(entriesArbitrary(replaces), async (parts) => {
        using at = temporaryDirectory();
        const bytes = archive(...parts);
        const ours = await unpackTar(bytes, at.join("ours")).catch(() => undefined);
        if (ours === undefined || !reader.extract(bytes, at.join("theirs"))) return;
        compared++;
        expect(common(readTree(at.join("theirs")))).toEqual(common(ours));
      });
      await fc.assert(property, { numRuns: 40 });
      expect(compared).toBeGreaterThan(5);
    });

    it("unpacks what we pack, whatever the tree", async ({ skip }) => {
      if (reader.missing) skip(reader.missing);
      const property = fc.asyncProperty(treeArbitrary, async (node) => {
        fc.pre(reader !== bsd || isComposed(node));
        using at = temporaryDirectory();
        writeNode(Buffer.from(at.join("tree")), node);
        const isContent = reader.extract(await collect(packTar(at.join("tree"))), at.join("theirs"));
        // bsdtar complains of names that are not UTF-8, and unpacks them rightly.
        if (reader !== bsd) expect(isContent).toBe(true);
        expect(common(readTree(at.join("theirs/tree")))).toEqual(common(readTree(at.join("tree"))));
      });
      await fc.assert(property, { numRuns: 8 });
    });
  },
);

/** bsdtar writes a letter and its accent as the one character that stands for both; to Linux those are two names. */
function isComposed(node: Node): boolean {
  if (node.kind !== "directory") return true;
  return node.children.every(([name, child]) => {
    const text = name.toString("utf8");
    return text.normalize("NFC") === text && isComposed(child);
  });
}

describe("bsdtar", () => {
  it.for(["pax", "ustar", "gnutar", "v7"])("packs in %s format what we unpack", async (format, { skip }) => {
    if (bsd.missing) skip(bsd.missing);
    const property = fc.asyncProperty(treeArbitrary, async (node) => {
      fc.pre(isComposed(node));
      using at = temporaryDirectory();
      writeNode(Buffer.from(at.join("tree")), node);
      const args = [
        `--format=${format}`,
        "--no-xattrs",
        "--no-acls",
        "--no-fflags",
        "-cf",
        "-",
        "-C",
        at.path,
        "tree",
      ];
      const packed = spawnSync("bsdtar", args, { maxBuffer: 2 ** 28 });
      fc.pre(packed.status === 0 && packed.stderr.length === 0); // ustar and v7 cannot hold every name
      await unpackTar(packed.stdout, at.join("ours"));
      expect(roundTimes(readTree(at.join("ours/tree")))).toEqual(roundTimes(readTree(at.join("tree"))));
    });
    await fc.assert(property, { numRuns: 5, maxSkipsPerRun: 500 });
  });
});

/** Formats without pax cannot hold times before 1970. */
const roundTimes = (tree: Tree): Tree => mapTree(tree, (what) => what.replace(/@-\d+/, "@0"));

describe.each(ZIPS.map((comparison) => [`${comparison.reader.name}, of zips`, comparison] as const))(
  "%s",
  (_name, comparison) => {
    const { reader, common } = comparison;

    it.for(accepted(CORPUS.zip))(
      "makes the same of a hostile zip that we unpack: %s",
      async ([, shape], { skip }) => {
        if (reader.missing) skip(reader.missing);
        await agree(comparison, shape, unpackZip);
      },
    );

    it("unpacks what we pack", async ({ skip }) => {
      if (reader.missing) skip(reader.missing);
      using at = temporaryDirectory();
      mkdirSync(at.join("tree/empty"), { recursive: true });
      mkdirSync(at.join("tree/d/e"), { recursive: true });
      writeFileSync(at.join("tree/d/e/ünïcode"), "text", { mode: 0o640 });
      writeFileSync(at.join("tree/run"), "#!", { mode: 0o755 });
      writeFileSync(at.join("tree/big"), Buffer.alloc(1_000_000, "big"));
      expect(reader.extract(await collect(packZip(at.join("tree"))), at.join("theirs"))).toBe(true);
      expect(common(readTree(at.join("theirs/tree")))).toEqual(common(readTree(at.join("tree"))));
    });
  },
);

/** Entries as packers write them, and as nobody does: names meet, links come before files, files twice. */
function entriesArbitrary(meeting: boolean): fc.Arbitrary<Buffer[]> {
  const names = fc.constantFrom(
    "a",
    "b",
    "a/b",
    "a/c",
    "b/a",
    "./a",
    "c/../a",
    "d/e/f",
    "l".repeat(120),
    "k".repeat(131),
  );
  const text = fc.string({ maxLength: 8 });
  const entry = fc.oneof(
    {
      weight: 5,
      arbitrary: fc
        .tuple(names, text)
        .map(([name, data]) => ({ name, make: (short: string) => file(short, data) })),
    },
    { weight: 3, arbitrary: names.map((name) => ({ name, make: (short: string) => directory(short) })) },
    {
      weight: 2,
      arbitrary: fc.tuple(names, names).map(([name, target]) => ({
        name: name.slice(0, 99),
        make: (short: string) => hardLink(short, target.slice(0, 99)),
      })),
    },
    { weight: 1, arbitrary: fc.constant({ name: "s", make: (short: string) => symlink(short, "a/b") }) },
  );
  const cleaned = (name: string): string => name.replace("./", "").replace("c/../", "");
  const entries = meeting
    ? fc.array(entry, { maxLength: 12 })
    : fc.uniqueArray(entry, { maxLength: 8, selector: ({ name }) => cleaned(name) });
  return entries.map((chosen) => chosen.map(({ name, make }) => named(name, make)));
}

/** An entry with its name where it fits. */
function named(name: string, make: (short: string) => Buffer): Buffer {
  if (name.length <= 100) return make(name);
  return Buffer.concat([name.length % 2 === 0 ? gnuLong("L", name) : pax({ path: name }), make("short")]);
}
