import { execFileSync } from "node:child_process";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { readTgz, readZip } from "./support/archives.ts";
import { output, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { type Observation, ofOnePod } from "./support/one-pod.ts";

const SECONDS = 1_234_567_890;
const LONG = "n".repeat(120);

/** Where outputs are, who packs them, and the keys of what comes of them. */
const PLACES = [
  { of: "in the image's file system", root: "/tmp", keys: "image" },
  { of: "in a volume", root: "/work", keys: "volume" },
];

const outputs = PLACES.flatMap(({ root, keys }) => [
  output("tree", `${root}/dir`, { s3: { key: `${keys}/tree` } }),
  output("file", `${root}/dir/sub/f.sh`, { s3: { key: `${keys}/file` } }),
  output("link", `${root}/link`, { s3: { key: `${keys}/link` } }),
  output("odd", `${root}/odd`, { s3: { key: `${keys}/odd` } }),
  output("long", `${root}/long`, { s3: { key: `${keys}/long` } }),
  output("zip-tree", `${root}/dir`, { archive: { zip: {} }, s3: { key: `${keys}/zip-tree` } }),
  output("zip-file", `${root}/dir/sub/f.sh`, { archive: { zip: {} }, s3: { key: `${keys}/zip-file` } }),
]);

const make = (root: string): string => `
  mkdir -p ${root}/dir/sub/empty ${root}/odd ${root}/long; cd ${root}
  head -c 3000 /dev/zero | tr '\\0' x >dir/sub/f.sh; chmod 755 dir/sub/f.sh
  ln -s f.sh dir/sub/l; chmod 775 dir/sub/empty; chmod 755 dir dir/sub; ln -s dir link
  echo data >odd/a; ln odd/a odd/b; ln -s /etc/passwd odd/out; mkfifo odd/pipe
  echo >odd/set; chmod 6711 odd/set; chmod 1777 odd; echo >odd/Z; touch -d @${SECONDS} odd/a
  echo >long/${LONG}; echo >long/ž`;

const KINDS: Record<string, string> = { "0": "file", "2": "link", "5": "directory", "6": "fifo" };

type Check = (keys: string, cluster: Cluster) => void;
const both = (statement: string, check: Check, more: { pitfall?: number } = {}): Observation[] =>
  PLACES.map(({ of, keys }) => ({
    section: "13.2",
    statement: `${statement} (${of})`,
    ...more,
    check: (_end, cluster) => check(keys, cluster),
  }));

const tgzOf = (cluster: Cluster, key: string) => readTgz(cluster.object(key));
const listed = (cluster: Cluster, key: string): string[] =>
  tgzOf(cluster, key).map(({ name, type }) => `${name} ${KINDS[type] ?? type}`);
const oddEntry = (cluster: Cluster, keys: string, name: string) =>
  tgzOf(cluster, `${keys}/odd`).find((entry) => entry.name === `odd/${name}`);

const tars: Observation[] = [
  both(
    "a tar holds the directory first and what is in it below its name, without trailing slashes",
    (keys, c) =>
      expect(listed(c, `${keys}/tree`)).toEqual([
        "dir directory",
        "dir/sub directory",
        "dir/sub/empty directory",
        "dir/sub/f.sh file",
        "dir/sub/l link",
      ]),
  ),
  both("entries are in the order of their bytes", (keys, c) =>
    expect(tgzOf(c, `${keys}/odd`).map(({ name }) => name)).toEqual(
      ["", "/Z", "/a", "/b", "/out", "/pipe", "/set"].map((name) => `odd${name}`),
    ),
  ),
  both("headers are USTAR", (keys, c) =>
    expect(new Set(tgzOf(c, `${keys}/tree`).map(({ magic }) => magic))).toEqual(new Set(["ustar"])),
  ),
  both("names that USTAR cannot hold are in pax headers", (keys, c) => {
    const entries = tgzOf(c, `${keys}/long`);
    expect(entries.map(({ type }) => type)).toEqual(["5", "x", "0", "x", "0"]);
    expect(entries.map(({ data }) => data)).toEqual(
      expect.arrayContaining([
        expect.stringContaining(`path=long/${LONG}\n`),
        expect.stringContaining("path=long/ž\n"),
      ]),
    );
  }),
  both("the gzip header has no name and no time, and says that the system is unknown", (keys, c) => {
    const header = c.object(`${keys}/tree`)?.subarray(0, 10);
    expect([header?.[3], header?.readUInt32LE(4), header?.[9]]).toEqual([0, 0, 255]);
  }),
  both("a file is a single entry with its base name", (keys, c) =>
    expect(listed(c, `${keys}/file`)).toEqual(["f.sh file"]),
  ),
  both("a link is followed at the root and gives it its name", (keys, c) =>
    expect(listed(c, `${keys}/link`).slice(0, 2)).toEqual(["link directory", "link/sub directory"]),
  ),
  both("set-id and sticky bits are kept with the permissions", (keys, c) => {
    expect(oddEntry(c, keys, "set")?.mode).toBe(0o6711);
    expect(tgzOf(c, `${keys}/odd`)[0]?.mode).toBe(0o1777);
  }),
  both("the owner's number and the time in seconds are kept", (keys, c) =>
    expect(oddEntry(c, keys, "a")).toMatchObject({ mtime: SECONDS, uid: c.securityContext?.runAsUser ?? 0 }),
  ),
  both("a symbolic link is kept with its target, even one that leads outside", (keys, c) =>
    expect(oddEntry(c, keys, "out")).toMatchObject({ type: "2", linkName: "/etc/passwd" }),
  ),
  both("each name of a hard link is a file of its own", (keys, c) => {
    for (const name of ["a", "b"])
      expect(oddEntry(c, keys, name)).toMatchObject({ type: "0", data: "data\n" });
  }),
  both("a fifo is a header and nothing more", (keys, c) =>
    expect(oddEntry(c, keys, "pipe")).toMatchObject({ type: "6", data: "" }),
  ),
  both("GNU tar lists what is in a tar", (keys, c) =>
    expect(execFileSync("tar", ["tzf", "-"], { input: c.object(`${keys}/tree`) }).toString()).toBe(
      "dir\ndir/sub\ndir/sub/empty\ndir/sub/f.sh\ndir/sub/l\n",
    ),
  ),
].flat();

const zips: Observation[] = [
  both(
    "a zip holds directories and links, too, and every entry's mode",
    (keys, c) => {
      const entries = readZip(c.object(`${keys}/zip-tree`));
      expect(entries.map(({ name, mode }) => `${name} ${mode.toString(8)}`)).toEqual([
        "dir/ 40755",
        "dir/sub/ 40755",
        "dir/sub/empty/ 40775",
        "dir/sub/f.sh 100755",
        "dir/sub/l 120777",
      ]);
      expect(entries.at(-1)?.data).toBe("f.sh");
    },
    { pitfall: 8 },
  ),
  both("files in a zip are deflated", (keys, c) =>
    expect(readZip(c.object(`${keys}/zip-tree`))[3]).toMatchObject({ method: 8, data: "x".repeat(3000) }),
  ),
  both("Info-ZIP finds nothing wrong with a zip", (keys, c) =>
    // From a file: it wants to seek.
    expect(
      execFileSync("unzip", ["-t", `${c.s3.root}/${c.s3.bucket}/${keys}/zip-tree`]).toString(),
    ).toContain("No errors"),
  ),
].flat();

const zippedFiles: Observation[] = PLACES.map(({ of, keys }, index) => ({
  section: "13.2",
  statement: `a zip of a single file has one entry with its base name, whatever the artifact is called (${of})`,
  pitfall: index === 0 ? 10 : 8,
  check: (_end, cluster) => {
    const entries = readZip(cluster.object(`${keys}/zip-file`));
    expect(entries.map(({ name, mode }) => [name, mode])).toEqual([["f.sh", 0o100755]]);
  },
}));

const packed: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: { artifacts: outputs.map((one, index) => ({ ...one, name: `${one.name}-${index}` })) },
      archiveLocation: cluster.repository("writing"),
    },
    volumes: ["/work"],
    argv: sh(PLACES.map(({ root }) => make(root)).join("\n")),
  }),
  {},
  [...tars, ...zips, ...zippedFiles],
);

const SOCKET = (path: string): string =>
  `perl -e 'use Socket; socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un("${path}")) or die'`;
const NO_TGZ =
  /^artifact o failed to save: open \/var\/run\/argo\/outputs\/artifacts\/tmp\/o\.tgz: no such file or directory; $/;

const cannot = (
  statement: string,
  path: string,
  script: string,
  messages: Record<string, RegExp>,
): ConformanceCase => ({
  section: "13.2",
  statement,
  pod: (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: { artifacts: [output("o", path)] },
      archiveLocation: cluster.repository("cannot"),
    },
    volumes: ["/work"],
    argv: sh(script),
  }),
  expect: { exitCodes: Object.fromEntries(Object.keys(messages).map((name) => [name, 64])), messages },
});

const failures: ConformanceCase[] = [
  cannot(
    "a socket in a directory of the image's file system fails main with 64 and the socket's name",
    "/tmp/o",
    `mkdir /tmp/o; ${SOCKET("/tmp/o/s")}`,
    {
      main: /^failed to tarball the output \/tmp\/o to .*\/tmp\/o\.tgz: \/tmp\/o\/s: .*sockets not supported$/,
      wait: NO_TGZ,
    },
  ),
  cannot(
    "a socket in a volume fails wait with the socket's name",
    "/work/o",
    `mkdir /work/o; ${SOCKET("/work/o/s")}`,
    { wait: /^artifact o failed to save: archive\/tar: sockets not supported: \/mainctrfs\/work\/o\/s; $/ },
  ),
  cannot("an output that is neither a file nor a directory fails main", "/tmp/o", "mkfifo /tmp/o", {
    main: /\/tmp\/o is not a regular file or directory$/,
    wait: NO_TGZ,
  }),
  cannot("one in a volume fails wait with the same words", "/work/o", "mkfifo /work/o", {
    wait: /^artifact o failed to save: \/mainctrfs\/work\/o is not a regular file or directory; $/,
  }),
];

conformance("writing archives", [...packed, ...failures]);
