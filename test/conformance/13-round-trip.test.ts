import { lstatSync } from "node:fs";
import { expect } from "vitest";
import { runPod } from "../support/pods/pod.ts";
import { look, output, sh, withVolumes } from "./support/builders.ts";
import { conformance, expectEnd } from "./support/conformance.ts";
import { type Observation, ofOnePod } from "./support/one-pod.ts";

const SECONDS = 1_234_567_890;
const TREE = { "f.sh": "run", sub: { empty: {}, l: "-> ../f.sh" } };
const ARCHIVES = { tgz: undefined, zip: { zip: {} }, none: { none: {} } };
const PLACES = [
  { of: "the image's file system", root: "/tmp" },
  { of: "a volume", root: "/work" },
];

const artifacts = PLACES.flatMap(({ root }, index) => [
  output(`empty-${index}`, `${root}/tree/sub/empty`, { archive: ARCHIVES.none }),
  ...Object.entries(ARCHIVES).flatMap(([kind, archive]) => [
    output(`tree-${kind}-${index}`, `${root}/tree`, archive && { archive }),
    output(`file-${kind}-${index}`, `${root}/tree/f.sh`, archive && { archive }),
  ]),
]).map((artifact, index) => ({ ...artifact, s3: { key: `round-trip/${index}` } }));

const make = ({ root }: { root: string }): string => `
  mkdir -p ${root}/tree/sub/empty; cd ${root}/tree; ln -s ../f.sh sub/l
  printf run >f.sh; chmod 751 f.sh; touch -d @${SECONDS} f.sh`;

const modeOf = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);

const comesBack = (
  statement: string,
  name: string,
  check: (path: string) => void,
  more: { pitfall?: number } = {},
): Observation[] =>
  PLACES.map(({ of }, index) => ({
    section: "13.2",
    statement: `${statement} (from ${of})`,
    ...more,
    check: ({ input }) => check(input(`${name}-${index}`)),
  }));

const trips = ofOnePod(
  async (cluster) => {
    const producer = await runPod(cluster, {
      template: {
        container: withVolumes("/work"),
        outputs: { artifacts },
        archiveLocation: cluster.repository("unused"),
      },
      volumes: ["/work"],
      argv: sh(PLACES.map(make).join("\n")),
    });
    expectEnd(producer, {}, cluster);
    // As a controller hands them on, to another path.
    const inputs = artifacts.map((artifact) => ({ ...artifact, path: `/tmp/in/${artifact.name}` }));
    return {
      template: {
        container: {},
        inputs: { artifacts: inputs },
        archiveLocation: cluster.repository("unused"),
      },
    };
  },
  {},
  [
    ...comesBack("a directory in a tar.gz comes back with links and empty directories", "tree-tgz", (path) =>
      expect(look(path)).toEqual(TREE),
    ),
    ...comesBack("its files come back with their modes and times", "tree-tgz", (path) => {
      expect(modeOf(`${path}/f.sh`)).toBe("751");
      expect(lstatSync(`${path}/f.sh`).mtimeMs).toBe(SECONDS * 1000);
    }),
    ...comesBack("a file in a tar.gz comes back as a file with its mode", "file-tgz", (path) =>
      expect([look(path), modeOf(path)]).toEqual(["run", "751"]),
    ),
    ...comesBack(
      "a directory in a zip comes back with links, empty directories and modes",
      "tree-zip",
      (path) => {
        expect(look(path)).toEqual(TREE);
        expect(modeOf(`${path}/f.sh`)).toBe("751");
      },
      { pitfall: 8 },
    ),
    ...comesBack(
      "a file in a zip comes back as a file",
      "file-zip",
      (path) => expect([look(path), modeOf(path)]).toEqual(["run", "751"]),
      { pitfall: 8 },
    ),
    ...comesBack(
      "a directory saved as it is comes back with empty directories, without links",
      "tree-none",
      (path) => expect(look(path)).toEqual({ "f.sh": "run", sub: { empty: {} } }),
    ),
    ...comesBack("so does an empty directory", "empty", (path) => expect(look(path)).toEqual({})),
    ...comesBack(
      "a file saved as it is comes back readable for everybody",
      "file-none",
      (path) => expect([look(path), modeOf(path)]).toEqual(["run", "666"]),
      { pitfall: 14 },
    ),
  ],
);

conformance("artifacts from pod to pod", trips);
