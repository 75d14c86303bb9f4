import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodFilesystem } from "../support/pods/pod-request.ts";
import { tar, tgz, zip } from "./support/archives.ts";
import { input, look, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const TAR = { tar: {} };
const ZIP = { zip: {} };
const TEXT = { name: "f", data: "text" };

/** Before every message stands which artifact it is about. */
const namesArtifact = (message: string | RegExp): string | RegExp =>
  typeof message === "string"
    ? `artifact a failed to load: ${message}`
    : new RegExp(`^artifact a failed to load: .*${message.source.replace(/^\^/, "")}`, "s");

let keys = 0;
const refuses = (
  statement: string,
  content: Buffer,
  message: string | RegExp,
  more: { archive?: object; pitfall?: number } = {},
): ConformanceCase => {
  keys += 1;
  const key = `refused/${keys}`;
  const { archive = TAR, pitfall } = more;
  return {
    section: "13.1",
    statement,
    ...(pitfall === undefined ? {} : { pitfall }),
    pod: (cluster) => {
      cluster.putObject(key, content);
      const artifacts = [input("a", "/tmp/a", key, { archive })];
      return { template: { container: {}, inputs: { artifacts }, archiveLocation: cluster.repository("r") } };
    },
    expect: { exitCodes: { init: 64 }, messages: { init: namesArtifact(message) } },
    check: (end) => expect(readdirSync(end.input("")), "what is left").toEqual([]),
  };
};

const DIRECTORY = { name: "d/", type: "5", mode: 0o755 };
const link = (name: string, linkName: string) => ({ name, type: "2", linkName });

const refusals: ConformanceCase[] = [
  refuses("a name that leads outside fails init with 64", tgz({ name: "../x" }), "illegal file path: ../x"),
  refuses(
    "a file that takes the root's name is refused",
    tgz({ ...TEXT, name: "." }, TEXT),
    "illegal file path: .",
  ),
  refuses(
    "an absolute symbolic link is refused",
    tgz(link("l", "/etc/passwd"), TEXT),
    "illegal symlink target: l -> /etc/passwd",
  ),
  refuses(
    "a symbolic link that leads outside is refused",
    tgz(DIRECTORY, link("d/l", "../../x")),
    "illegal symlink target: d/l -> ../../x",
  ),
  refuses(
    "a symbolic link to the artifact itself is refused",
    tgz(link("l", "."), TEXT),
    "illegal symlink target: l -> .",
  ),
  refuses(
    "links that lead outside only together are refused",
    tgz({ ...DIRECTORY, name: "d/e/" }, link("d/e/up", ".."), link("l", "d/e/up/../../x")),
    "illegal symlink target: l -> d/e/up/../../x",
    { pitfall: 12 },
  ),
  refuses(
    "nothing is written through a symbolic link of the archive",
    tgz(DIRECTORY, link("s", "d"), { name: "s/f" }),
    /^illegal file path after symlink resolution: /,
    { pitfall: 12 },
  ),
  refuses(
    "a hard link to a file outside is refused",
    tgz(TEXT, { name: "h", type: "1", linkName: "../../etc/passwd" }),
    /^illegal hard link target: h -> \.\.\/\.\.\/etc\/passwd$/,
    { pitfall: 11 },
  ),
  refuses(
    "a sparse file is refused by name, not left out",
    tgz({ name: "s", type: "S" }, TEXT),
    /^s is stored as a sparse file/,
    { pitfall: 11 },
  ),
  refuses("a gzip file that was cut off is refused", tgz(TEXT).subarray(0, -12), /truncated|unexpected end/),
  refuses(
    "a tar that was cut off is refused",
    gzipSync(tar(TEXT).subarray(0, 514)),
    /^truncated tar archive/,
  ),
  refuses("what is declared a tar and is none is refused", gzipSync("text"), /tar archive/),
  refuses("what is declared a zip and is none is refused", tgz(TEXT), /^corrupt zip archive: /, {
    archive: ZIP,
  }),
  refuses(
    "a zip name that leads outside is refused",
    zip({ name: "../x" }),
    /\/\.\.\/x: Illegal file path$/,
    {
      archive: ZIP,
    },
  ),
  refuses(
    "a symbolic link of a zip that leads outside is refused",
    zip({ name: "l", data: "/etc/passwd", mode: 0o120777 }, TEXT),
    "illegal symlink target: l -> /etc/passwd",
    { archive: ZIP, pitfall: 12 },
  ),
];

const SOLID = /^artifact a failed to load: .*\/work\/a: there is a directory with something in it$/;

/** The artifact `a` goes into a volume in which there is something at its place. */
const meets = (prepare: (volume: string) => void) => (cluster: Cluster) => {
  cluster.putObject("meets/a", tgz(TEXT));
  const artifacts = [input("a", "/work/a", "meets/a")];
  return {
    template: {
      container: withVolumes("/work"),
      inputs: { artifacts },
      archiveLocation: cluster.repository("r"),
    },
    volumes: ["/work"],
    prepare: ({ volume }: PodFilesystem) => prepare(volume("/work")),
  };
};

const targets: ConformanceCase[] = [
  {
    section: "13.1",
    statement: "a file that is at the target is replaced",
    pod: meets((volume) => writeFileSync(join(volume, "a"), "of the user")),
    check: ({ volume }) => expect(look(volume("/work"))).toEqual({ a: "text" }),
  },
  {
    section: "13.1",
    statement: "a directory with something in it at the target is an error, and stays",
    pitfall: 37,
    pod: meets((volume) => {
      mkdirSync(join(volume, "a"));
      writeFileSync(join(volume, "a/user"), "of the user");
    }),
    expect: { exitCodes: { init: 64 }, messages: { init: SOLID } },
    check: ({ volume }) => expect(look(volume("/work"))).toEqual({ a: { user: "of the user" } }),
  },
];

conformance("archives that are refused", [...refusals, ...targets]);
