import { gunzipSync } from "node:zlib";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { readTgz, readZip } from "./support/archives.ts";
import { output, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { type Observation, ofOnePod } from "./support/one-pod.ts";

const IMAGE = { of: "in the image's file system", root: "/tmp", at: "image" };
const VOLUME = { of: "in a volume", root: "/work", at: "volume" };
const PLACES = [IMAGE, VOLUME];

/** Levels show in the length of what this prints. */
const NUMBERS = "seq -s, 1 7 200000";
const NUMBERS_TEXT = `${Array.from({ length: 28_572 }, (_, index) => index * 7 + 1).join(",")}\n`;

/** Of an artifact called `<at>-<kind>` that has no key of its own; `undefined` for none. */
const ARCHIVES: Record<string, object | undefined> = {
  default: undefined,
  tar: { tar: {} },
  none: { none: {} },
  zip: { zip: {} },
  empty: {},
  stored: { tar: { compressionLevel: 0 } },
  fastest: { tar: { compressionLevel: 1 } },
  smallest: { tar: { compressionLevel: 9 } },
  usual: { tar: { compressionLevel: -1 } },
  huffman: { tar: { compressionLevel: -2 } },
};

/** Each has a file of its own, for one path is packed once; those that keep their names are called differently. */
const fileOf = (at: string, kind: string): string =>
  `${kind}/${kind === "none" || kind === "empty" ? `${at}-${kind}` : at}.txt`;

const artifacts = PLACES.flatMap(({ root, at }) => [
  ...Object.entries(ARCHIVES).map(([kind, archive]) =>
    output(`${at}-${kind}`, `${root}/${fileOf(at, kind)}`, archive && { archive }),
  ),
  output(`${at}-a`, `${root}/a/same`, { archive: { none: {} }, s3: { key: `same/${at}-a` } }),
  output(`${at}-b`, `${root}/b/same`, { archive: { none: {} }, s3: { key: `same/${at}-b` } }),
  output(`${at}-shared-tgz`, `${root}/shared`, { s3: { key: `shared/${at}-tgz` } }),
  output(`${at}-shared`, `${root}/shared`, { archive: { none: {} }, s3: { key: `shared/${at}` } }),
]);

const saved = ({ result }: PodEnd, name: string) =>
  result?.outputs?.artifacts?.find((artifact) => artifact.name === name);
const keyOf = (end: PodEnd, name: string) => saved(end, name)?.s3;
/** Of an output by its name and the suffix its key ought to have. */
const bytesOf = (cluster: Cluster, name: string): Buffer =>
  cluster.object(`strategies/${name}`) ?? Buffer.alloc(0);

type Place = typeof IMAGE;

type Check = (place: Place, cluster: Cluster, end: PodEnd) => void;
const both = (statement: string, check: Check, more: { pitfall?: number } = {}): Observation[] =>
  PLACES.map((place) => only(place, statement, check, more));
const only = (
  place: Place,
  statement: string,
  check: Check,
  more: { pitfall?: number } = {},
): Observation => ({
  section: "11.3",
  statement: `${statement} (${place.of})`,
  ...more,
  check: (end, cluster) => check(place, cluster, end),
});

const tarOf =
  (kind: string): Check =>
  ({ at }, cluster, end) => {
    expect(keyOf(end, `${at}-${kind}`)).toEqual({ key: `strategies/${at}-${kind}.tgz` });
    expect(readTgz(bytesOf(cluster, `${at}-${kind}.tgz`))).toMatchObject([
      { name: `${at}.txt`, data: NUMBERS_TEXT },
    ]);
  };
const lengths = (cluster: Cluster, at: string, ...kinds: string[]): number[] =>
  kinds.map((kind) => bytesOf(cluster, `${at}-${kind}.tgz`).length);

const strategies: Observation[] = [
  ...both("without a strategy an output is a tar.gz, and its key ends in <name>.tgz", tarOf("default")),
  ...both("so it is when the strategy is tar", tarOf("tar")),
  ...both(
    "none uploads the file itself, and its key ends in the path's base name",
    ({ at }, cluster, end) => {
      expect(keyOf(end, `${at}-none`)).toEqual({ key: `strategies/${at}-none.txt` });
      expect(bytesOf(cluster, `${at}-none.txt`).toString()).toBe(NUMBERS_TEXT);
    },
  ),
  ...both("zip makes a zip, and its key ends in <name>.zip", ({ at }, cluster, end) => {
    expect(keyOf(end, `${at}-zip`)).toEqual({ key: `strategies/${at}-zip.zip` });
    expect(readZip(bytesOf(cluster, `${at}-zip.zip`))).toMatchObject([{ data: NUMBERS_TEXT }]);
  }),
  only(IMAGE, "an empty archive object is as none", ({ at }, cluster, end) => {
    expect(keyOf(end, `${at}-empty`)).toEqual({ key: `strategies/${at}-empty.txt` });
    expect(bytesOf(cluster, `${at}-empty.txt`).toString()).toBe(NUMBERS_TEXT);
  }),
  only(VOLUME, "an empty archive object is a tar.gz that is not compressed", ({ at }, cluster, end) => {
    expect(keyOf(end, `${at}-empty`)).toEqual({ key: `strategies/${at}-empty.tgz` });
    const bytes = bytesOf(cluster, `${at}-empty.tgz`);
    expect(bytes.length).toBeGreaterThan(gunzipSync(bytes).length);
  }),
  ...both(
    "two outputs with one base name do not get into each other's way",
    ({ at }, cluster) => {
      expect(cluster.object(`same/${at}-a`)?.toString()).toBe(`${at} a\n`);
      expect(cluster.object(`same/${at}-b`)?.toString()).toBe(`${at} b\n`);
    },
    { pitfall: 35 },
  ),
  ...both("one path may be saved twice, each time with its own strategy", ({ at }, cluster) => {
    expect(cluster.object(`shared/${at}`)?.toString()).toBe(NUMBERS_TEXT);
    const packed = cluster.object(`shared/${at}-tgz`);
    expect(readTgz(packed)).toMatchObject([{ name: "shared", data: NUMBERS_TEXT }]);
    expect(packed?.length).toBeLessThan(NUMBERS_TEXT.length / 2);
  }),
  ...both("what is reported of an output has its strategy", ({ at, root }, _, end) =>
    expect(saved(end, `${at}-stored`)).toEqual({
      name: `${at}-stored`,
      path: `${root}/stored/${at}.txt`,
      archive: { tar: { compressionLevel: 0 } },
      s3: { key: `strategies/${at}-stored.tgz` },
    }),
  ),
];

/** Only for outputs in the image's file system does upstream ignore them. */
const level = (statement: string, check: Check): Observation[] => [
  only(IMAGE, statement, check, { pitfall: 13 }),
  only(VOLUME, statement, check),
];
const levels: Observation[] = [
  ...level("compression level 0 stores", ({ at }, cluster) => {
    const bytes = bytesOf(cluster, `${at}-stored.tgz`);
    expect(bytes.length).toBeGreaterThan(gunzipSync(bytes).length);
  }),
  ...level("level 9 is smaller than level 1", ({ at }, cluster) => {
    const [smallest = 0, fastest = 0] = lengths(cluster, at, "smallest", "fastest");
    expect(smallest).toBeLessThan(fastest);
  }),
  ...level("level -1 is the default", ({ at }, cluster) =>
    expect(bytesOf(cluster, `${at}-usual.tgz`)).toEqual(bytesOf(cluster, `${at}-default.tgz`)),
  ),
  ...level("level -2 compresses by Huffman codes alone", ({ at }, cluster) => {
    const [stored = 0, huffman = 0, fastest = 0] = lengths(cluster, at, "stored", "huffman", "fastest");
    expect(huffman).toBeLessThan(stored);
    expect(huffman).toBeGreaterThan(fastest);
  }),
  ...level("every level gives what it was given", ({ at }, cluster) => {
    for (const kind of ["stored", "fastest", "smallest", "huffman"]) {
      expect(readTgz(bytesOf(cluster, `${at}-${kind}.tgz`))).toMatchObject([{ data: NUMBERS_TEXT }]);
    }
  }),
];

const files = PLACES.map(({ root, at }) => {
  const links = Object.keys(ARCHIVES).map((kind) => `mkdir ${kind}; ln numbers ${fileOf(at, kind)}`);
  return `cd ${root}; ${NUMBERS} >numbers; ${links.join(";")}; mkdir a b; echo ${at} a >a/same; echo ${at} b >b/same; ln numbers shared`;
});

const pods: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: { artifacts },
      archiveLocation: cluster.repository("strategies"),
    },
    volumes: ["/work"],
    argv: sh(files.join("\n")),
  }),
  {},
  [...strategies, ...levels],
);

const refusedLevel = (
  root: string,
  compressionLevel: number,
  more: Partial<ConformanceCase> & Pick<Extract<ConformanceCase, { pod: unknown }>, "expect">,
): ConformanceCase => ({
  section: "11.3",
  statement: `level ${compressionLevel} is refused (${root === "/tmp" ? IMAGE.of : VOLUME.of})`,
  pod: (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: { artifacts: [output("o", `${root}/o`, { archive: { tar: { compressionLevel } } })] },
      archiveLocation: cluster.repository("levels"),
    },
    volumes: ["/work"],
    argv: sh(`echo v >${root}/o`),
  }),
  ...more,
});

const refusals: ConformanceCase[] = [
  refusedLevel("/tmp", 10, {
    pitfall: 13,
    expect: {
      exitCodes: { main: 64, wait: 64 },
      messages: {
        main: /^failed to tarball the output \/tmp\/o to .*: gzip: invalid compression level: 10$/,
        wait: /\/tmp\/o\.tgz: no such file or directory; $/,
      },
    },
  }),
  refusedLevel("/work", -3, {
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: "artifact o failed to save: gzip: invalid compression level: -3; " },
    },
  }),
];

conformance("archive strategies", [...pods, ...refusals]);
