import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { tar, tgz, zip } from "./support/archives.ts";
import { input, type Look, look } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { type Observation, ofOnePod } from "./support/one-pod.ts";

const TAR = { tar: {} };
const ZIP = { zip: {} };
const NONE = { none: {} };
const TEXT = { name: "f", data: "text" };
const RUN = 0o100755;

/** One artifact of the pod that loads all of them. */
interface Loaded extends Omit<Observation, "section" | "check"> {
  content: Buffer;
  archive?: object;
  check: (path: string, end: PodEnd) => void;
}

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

/** An artifact that comes out like that. */
const becomes = (
  statement: string,
  content: Buffer,
  archive: object | undefined,
  wanted: Look,
  pitfall?: number,
): Loaded => ({
  statement,
  content,
  ...(archive && { archive }),
  ...(pitfall === undefined ? {} : { pitfall }),
  check: (path) => expect(look(path)).toEqual(wanted),
});

/** An artifact that stays the bytes it is. */
const stays = (what: string, content: Buffer, archive?: object): Loaded =>
  becomes(`${what} is left as it is`, content, archive, content.toString("latin1"));

const choices: Loaded[] = [
  becomes(
    "a gzipped tar is found out and unpacked when the template does not say",
    tgz(TEXT),
    undefined,
    "text",
  ),
  becomes(
    "a gzip file of several members is read to its end",
    Buffer.concat([tar(TEXT).subarray(0, 700), tar(TEXT).subarray(700)].map((part) => gzipSync(part))),
    undefined,
    "text",
  ),
  becomes("an empty archive object is as if there were none", tgz(TEXT), {}, "text"),
  stays("a gzipped tar that is declared to be none", tgz(TEXT), NONE),
  stays("a zip that the template does not declare", zip(TEXT)),
  stays("a tar without gzip", tar(TEXT)),
  stays("a gzip file that holds no tar", gzipSync("text")),
  stays("what begins like zstd", Buffer.from("28b52ffd00", "hex")),
  stays("what begins like xz", Buffer.from("fd377a585a00", "hex")),
  stays("an empty object", Buffer.alloc(0)),
  stays("a gzipped tar without entries that the template does not declare", tgz()),
  becomes("a tar without entries that is declared gives an empty directory", tgz(), TAR, {}),
  becomes("a zip without entries gives an empty directory", zip(), ZIP, {}),
  becomes("a zip that is declared is unpacked", zip(TEXT, { name: "g" }), ZIP, { f: "text", g: "" }),
];

const roots: Loaded[] = [
  becomes("a single file becomes the artifact, whatever its name", tgz(TEXT), TAR, "text"),
  becomes(
    "a tar of a directory becomes that directory",
    tgz({ name: "d/", type: "5" }, { name: "d/f" }),
    TAR,
    {
      f: "",
    },
  ),
  becomes("several entries at the top stay together", tgz(TEXT, { name: "g" }), TAR, { f: "text", g: "" }),
  becomes("a single file in a zip becomes the artifact", zip(TEXT), ZIP, "text"),
  becomes("a zip of a directory becomes that directory", zip({ name: "d/" }, { name: "d/f" }), ZIP, {
    f: "",
  }),
  becomes(
    "an entry ./ is the root of the artifact",
    tgz({ name: "./", type: "5" }, { name: "./f" }, { name: "./g" }),
    TAR,
    { f: "", g: "" },
    7,
  ),
  becomes(
    "an entry . is the root, too; when one item is in it, that is the artifact",
    tgz({ name: ".", type: "5" }, { name: "./f", data: "x" }),
    TAR,
    "x",
    7,
  ),
  becomes("an absolute name is taken below the artifact", tgz({ name: "/etc/f" }, { name: "g" }), TAR, {
    etc: { f: "" },
    g: "",
  }),
  becomes("a name is cleaned", tgz({ name: "a//b/../f" }, { name: "g" }), TAR, { a: { f: "" }, g: "" }),
];

/** What the tools of others make of a directory. */
const packed = (command: string, ...argv: string[]): Buffer =>
  execFileSync(command, argv, { cwd: import.meta.dirname });
const SUPPORT = look(join(import.meta.dirname, "support"));

const tools: Loaded[] = [
  becomes(
    "what GNU tar packs of a directory by its name is read",
    packed("tar", "czf", "-", "support"),
    TAR,
    SUPPORT,
  ),
  becomes(
    "what GNU tar packs of a directory from within is read",
    packed("tar", "-C", "support", "-czf", "-", "."),
    TAR,
    SUPPORT,
    7,
  ),
  becomes("what Info-ZIP streams is read", packed("zip", "-qr", "-", "support"), ZIP, SUPPORT),
];

const entries: Loaded[] = [
  {
    statement: "a file gets the permissions of its header, without set-id and sticky bits",
    content: tgz({ name: "f", mode: 0o7751 }, { name: "g", mode: 0o440 }),
    check: (path) => expect([modeOf(join(path, "f")), modeOf(join(path, "g"))]).toEqual(["751", "440"]),
  },
  {
    statement: "a directory gets the mode of its header, and at least 0755",
    pitfall: 11,
    content: tgz(
      { name: "r/", type: "5" },
      { name: "r/a", type: "5", mode: 0o700 },
      { name: "r/b", type: "5", mode: 0o775 },
    ),
    check: (path) => expect([modeOf(join(path, "a")), modeOf(join(path, "b"))]).toEqual(["755", "775"]),
  },
  {
    statement: "directories that are missing above a file are made 0755",
    content: tgz({ name: "r/a/b/f", mode: 0o600 }, { name: "r/g" }),
    check: (path) => expect([modeOf(join(path, "a")), modeOf(join(path, "a/b"))]).toEqual(["755", "755"]),
  },
  {
    statement: "a file gets the time of its header",
    content: tgz({ name: "f", mtime: 1_234_567_890 }),
    check: (path) => expect(lstatSync(path).mtimeMs).toBe(1_234_567_890_000),
  },
  {
    statement: "owners are not restored",
    content: tgz({ name: "f", uid: 4321 }),
    check: (path) => expect(lstatSync(path).uid).not.toBe(4321),
  },
  becomes(
    "a symbolic link that stays inside is kept as it is written",
    tgz({ name: "d/x/l", type: "2", linkName: "../f" }, { name: "d/f" }),
    TAR,
    { x: { l: "-> ../f" }, f: "" },
  ),
  becomes(
    "a symbolic link may lead nowhere",
    tgz({ name: "l", type: "2", linkName: "none" }, { name: "f" }),
    TAR,
    { l: "-> none", f: "" },
  ),
  {
    statement: "a hard link is one more name of the file before it",
    pitfall: 11,
    content: tgz({ ...TEXT, mode: 0o4755 }, { name: "g", type: "1", linkName: "f" }),
    check: (path) => {
      expect(look(path)).toEqual({ f: "text", g: "text" });
      expect(lstatSync(join(path, "g")).ino).toBe(lstatSync(join(path, "f")).ino);
      expect(modeOf(join(path, "g"))).toBe("755");
    },
  },
  becomes(
    "a file of the contiguous type is a file",
    tgz({ ...TEXT, type: "7" }, { name: "g" }),
    TAR,
    { f: "text", g: "" },
    11,
  ),
  {
    statement: "fifos and devices are left out, and the log says so",
    pitfall: 11,
    content: tgz(TEXT, { name: "pipe", type: "6" }, { name: "null", type: "3" }),
    check: (path, { init }) => {
      expect(look(path)).toBe("text");
      expect(init.log).toContain(
        "left out of the archive: pipe (a fifo is not made), null (a character device",
      );
    },
  },
  becomes(
    "a header for the whole archive changes nothing",
    tgz({ name: "pax", type: "g", data: "17 comment=hello\n" }, TEXT),
    TAR,
    "text",
  ),
  becomes(
    "of two entries with one name the later replaces the earlier whole",
    tgz({ name: "f", data: "long text" }, { name: "f", data: "short" }),
    TAR,
    "short",
    11,
  ),
  becomes(
    "a file with the name of an earlier link replaces the link, and what it leads to stays",
    tgz({ name: "l", type: "2", linkName: "f" }, TEXT, { name: "l", data: "new" }),
    TAR,
    { f: "text", l: "new" },
    12,
  ),
  becomes(
    "a name too long for a header is read from a GNU header before it",
    tgz(
      { name: "././@LongLink", type: "L", data: `r/${"n".repeat(200)}\0` },
      { name: "r/n" },
      { name: "r/o" },
    ),
    TAR,
    { ["n".repeat(200)]: "", o: "" },
  ),
  becomes(
    "a name is read from a pax header before it",
    tgz({ name: "x", type: "x", data: "17 path=r/žluť\n" }, { name: "r/n" }, { name: "r/o" }),
    TAR,
    { žluť: "", o: "" },
  ),
  becomes(
    "files in a zip get there without directories being listed",
    zip({ name: "r/a/f", data: "1" }, { name: "r/g" }),
    ZIP,
    { a: { f: "1" }, g: "" },
  ),
  {
    statement: "files and directories of a zip get the modes that are listed",
    content: zip(
      { name: "r/d/", mode: 0o040775 },
      { name: "r/d/f", mode: RUN },
      { name: "r/g", mode: 0o100640 },
    ),
    archive: ZIP,
    check: (path) =>
      expect(["d", "d/f", "g"].map((name) => modeOf(join(path, name)))).toEqual(["775", "755", "640"]),
  },
  {
    statement: "a file in a zip without modes is 0666",
    content: zip({ name: "f" }),
    archive: ZIP,
    check: (path) => expect(modeOf(path)).toBe("666"),
  },
  {
    statement: "directories above a file of a zip can be entered, whatever the file's mode",
    pitfall: 9,
    content: zip({ name: "r/a/f", mode: 0o100600 }, { name: "r/g" }),
    archive: ZIP,
    check: (path) => expect([modeOf(path), modeOf(join(path, "a"))]).toEqual(["755", "755"]),
  },
  becomes(
    "a symbolic link in a zip is a link",
    zip({ name: "f", data: "x" }, { name: "l", data: "f", mode: 0o120777 }),
    ZIP,
    { f: "x", l: "-> f" },
    8,
  ),
];

const archiveOf = ({ attributes }: PodEnd["spans"][number]): string | null | undefined =>
  attributes?.find(({ key }) => key === "archive")?.value.stringValue;

const ARTIFACTS = [...choices, ...roots, ...tools, ...entries];
const loads: ConformanceCase[] = ofOnePod(
  (cluster) => {
    for (const [index, { content }] of ARTIFACTS.entries()) cluster.putObject(`reading/${index}`, content);
    cluster.putObject("reading/tree/sub/f", tgz(TEXT));
    const artifacts = ARTIFACTS.map(({ archive }, index) =>
      input(`a${index}`, `/tmp/a${index}`, `reading/${index}`, archive && { archive }),
    );
    artifacts.push(input("tree", "/tmp/tree", "reading/tree"));
    return { template: { container: {}, inputs: { artifacts }, archiveLocation: cluster.repository("r") } };
  },
  {},
  [
    ...ARTIFACTS.map(({ content, archive, check, ...statement }, index) => ({
      section: "13.1",
      ...statement,
      check: (end: PodEnd) => check(end.input(`a${index}`), end),
    })),
    {
      section: "13.1",
      statement: "the trace says of every input whether it was a tar, a zip or neither",
      check: ({ spans }) => {
        const archives = spans.filter(({ name }) => name === "unarchiveArtifact").map(archiveOf);
        expect(archives).toHaveLength(ARTIFACTS.length + 1);
        expect([...new Set(archives)].sort()).toEqual(["none", "tar", "zip"]);
      },
    },
    {
      section: "13.1",
      statement: "the objects of a directory are left as they are",
      check: (end) => expect(look(end.input("tree"))).toEqual({ sub: { f: tgz(TEXT).toString("latin1") } }),
    },
    {
      section: "13.1",
      statement: "nothing is left beside the artifacts of how they were unpacked",
      check: (end) => expect(readdirSync(end.input(""))).toHaveLength(ARTIFACTS.length + 1),
    },
  ],
);

conformance("reading archives", loads);
