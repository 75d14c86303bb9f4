import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { readTgz, tgz } from "./support/archives.ts";
import { input, output, raw, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { ofOnePod } from "./support/one-pod.ts";

const AS_IS = { archive: { none: {} } };
const plain = (name: string, path: string, more: object = {}) => output(name, path, { ...AS_IS, ...more });

interface Found {
  statement: string;
  path: string;
  /** What main does for it. */
  script: string;
  section?: string;
  pitfall?: number;
}

/** Outputs that main leaves in all kinds of places; each is saved under `places/<index>`, as it is. */
const PLACES: Found[] = [
  {
    statement: "an output in the image's own file system is found",
    path: "/tmp/o",
    script: "echo v >/tmp/o",
  },
  { statement: "an output in a volume is found", path: "/work/o", script: "echo v >/work/o" },
  {
    statement: "an output in a volume below another volume is found",
    path: "/work/deep/o",
    script: "echo v >/work/deep/o",
  },
  {
    statement: "a path that only begins like a volume's is in the image's own file system",
    path: "/tmp/volume/o",
    script: "mkdir /tmp/volume; echo v >/tmp/volume/o",
  },
  {
    statement: "an output at the path of an input is what main made of the input",
    path: "/tmp/in-file",
    script: "echo v >/tmp/in-file",
  },
  {
    statement: "an output below the path of an input is found",
    path: "/tmp/in/made",
    script: "echo v >/tmp/in/made",
  },
  {
    statement: "an output whose path only begins like an input's is in the image's own file system",
    path: "/tmp/in-other",
    script: "echo v >/tmp/in-other",
  },
  {
    statement: "an output at the path of an optional input that nobody supplied is found",
    path: "/tmp/optional",
    script: "echo v >/tmp/optional",
  },
  {
    statement: "an output below the path of an optional input that nobody supplied is found",
    path: "/tmp/optional-tree/o",
    script: "mkdir /tmp/optional-tree; echo v >/tmp/optional-tree/o",
  },
  {
    section: "5.3",
    statement: "doubled slashes in a path do no harm",
    pitfall: 43,
    path: "/tmp//ab",
    script: "echo v >/tmp/ab",
  },
  {
    section: "5.3",
    statement: "a name may begin with two dots",
    path: "/tmp/..x",
    script: "echo v >/tmp/..x",
  },
  {
    statement: "a link in the image's own file system is followed",
    path: "/tmp/link",
    script: "echo v >/tmp/linked; ln -s /tmp/linked /tmp/link",
  },
  {
    statement: "a relative link in a volume is followed",
    path: "/work/link",
    script: "echo v >/work/linked; ln -s linked /work/link",
  },
];

const VOLUMES = ["/work", "/work/deep", "/tmp/vol", "/whole"];
const INPUTS = [
  input("in", "/tmp/in", "places/in"),
  raw("in-file", "/tmp/in-file", "input"),
  { name: "optional", path: "/tmp/optional", optional: true },
  { name: "optional-tree", path: "/tmp/optional-tree", optional: true },
];

const places: ConformanceCase[] = ofOnePod(
  (cluster) => {
    cluster.putObject("places/in", tgz({ name: "in/", type: "5", mode: 0o777 }, { name: "in/f" }));
    const outputs = PLACES.map(({ path }, index) =>
      plain(`o${index}`, path, { s3: { key: `places/${index}` } }),
    );
    const whole = [output("whole", "/whole"), output("slash", "/tmp/slash/")];
    return {
      template: {
        container: withVolumes(...VOLUMES),
        inputs: { artifacts: INPUTS },
        outputs: { artifacts: [...outputs, ...whole] },
        archiveLocation: cluster.repository("places"),
      },
      volumes: VOLUMES,
      argv: sh([...PLACES.map(({ script }) => script), "echo v >/whole/f; mkdir /tmp/slash"].join("\n")),
    };
  },
  {},
  [
    ...PLACES.map(({ path, script, section = "11.2", ...statement }, index) => ({
      section,
      ...statement,
      check: (_end: PodEnd, cluster: Cluster) =>
        expect(cluster.object(`places/${index}`)?.toString(), path).toBe("v\n"),
    })),
    {
      section: "11.2",
      statement: "a whole volume is an output",
      check: (_end, cluster) =>
        expect(readTgz(cluster.object("places/whole.tgz")).map(({ name }) => name)).toEqual([
          "whole",
          "whole/f",
        ]),
    },
    {
      section: "11.2",
      statement: "a slash at the end of a path does no harm",
      check: (_end, cluster) =>
        expect(readTgz(cluster.object("places/slash.tgz")).map(({ name }) => name)).toEqual(["slash"]),
    },
  ],
);

const initless: ConformanceCase[] = ofOnePod(
  (cluster) => {
    cluster.putObject("linked/in", tgz({ name: "in/", type: "5", mode: 0o777 }, { name: "in/f", data: "f" }));
    return {
      layout: "initless",
      template: {
        container: withVolumes("/work"),
        inputs: { artifacts: [input("in", "/tmp/in", "linked/in")] },
        outputs: {
          artifacts: [plain("below", "/tmp/in/f"), output("at", "/tmp/in"), plain("volume", "/work/o")],
        },
        archiveLocation: cluster.repository("linked"),
      },
      volumes: ["/work"],
      argv: sh("echo v >/tmp/in/f; echo v >/work/o"),
    };
  },
  {},
  [
    {
      section: "9.6",
      statement: "in an init-less pod an output below the path of an input is found",
      check: (_end, cluster) => expect(cluster.object("linked/f")?.toString()).toBe("v\n"),
    },
    {
      section: "9.6",
      statement: "in an init-less pod an output at the path of an input is packed under the path's base name",
      check: (_end, cluster) =>
        expect(readTgz(cluster.object("linked/at.tgz")).map(({ name }) => name)).toEqual(["in", "in/f"]),
    },
    {
      section: "9.6",
      statement: "in an init-less pod an output in a volume is found",
      check: (_end, cluster) => expect(cluster.object("linked/o")?.toString()).toBe("v\n"),
    },
  ],
);

conformance("where output artifacts are found", [...places, ...initless]);
