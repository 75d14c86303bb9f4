import { join } from "node:path";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { readTgz } from "./support/archives.ts";
import { look, output, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { ofOnePod } from "./support/one-pod.ts";

const AS_IS = { archive: { none: {} } };
const plain = (name: string, path: string, more: object = {}) => output(name, path, { ...AS_IS, ...more });
const reported = ({ result }: PodEnd) => result?.outputs?.artifacts ?? [];
const oneReported = (end: PodEnd, name: string) => reported(end).find((artifact) => artifact.name === name);

const loop: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: {
        artifacts: [
          output("z", "/tmp/o", { globalName: "g", mode: 420 }),
          plain("missing", "/tmp/none", { optional: true }),
          plain("missing-in-volume", "/work/none", { optional: true }),
          plain("hollow", "/tmp/hollow"),
          plain("hollow-in-volume", "/work/hollow-2"),
          output("keyed", "/tmp/o", { s3: { key: "own/key" } }),
          plain("located", "/work/o", { s3: cluster.repository("own/located").s3 }),
          plain("a", "/tmp/o", { optional: true }),
        ],
      },
      archiveLocation: cluster.repository("loop//x/./y/"),
    },
    volumes: ["/work"],
    argv: sh("echo v >/tmp/o; echo v >/work/o; : >/tmp/hollow; : >/work/hollow-2"),
  }),
  {
    logs: {
      wait: [
        /"level":"WARN","msg":"Ignoring optional artifact which does not exist in path","name":"missing"/,
        /"msg":"Ignoring optional artifact which does not exist in path","name":"missing-in-volume"/,
        /"level":"WARN","msg":"The output artifact is empty","name":"hollow"/,
        /"level":"WARN","msg":"The output artifact is empty","name":"hollow-in-volume"/,
      ],
    },
  },
  [
    {
      section: "11.1",
      statement:
        "outputs are reported in the order of their declaration, and optional ones that are missing are not",
      check: (end) =>
        expect(reported(end).map(({ name }) => name)).toEqual([
          "z",
          "hollow",
          "hollow-in-volume",
          "keyed",
          "located",
          "a",
        ]),
    },
    {
      section: "11.1",
      statement: "an empty file is saved, with a warning",
      check: (_end, cluster) =>
        expect(["hollow", "hollow-2"].map((key) => cluster.object(`loop/x/y/${key}`)?.length)).toEqual([
          0, 0,
        ]),
    },
    {
      section: "11.4",
      statement:
        "an output without a key gets the repository's key and its own name, cleaned and joined by slashes",
      check: (end, cluster) => {
        expect(oneReported(end, "z")?.s3).toEqual({ key: "loop/x/y/z.tgz" });
        expect(readTgz(cluster.object("loop/x/y/z.tgz"))).toMatchObject([{ name: "o", data: "v\n" }]);
      },
    },
    {
      section: "11.4",
      statement: "what is reported of an output is what the template has, and the key alone",
      check: (end) =>
        expect(oneReported(end, "z")).toEqual({
          ...{ name: "z", path: "/tmp/o", globalName: "g", mode: 420 },
          s3: { key: "loop/x/y/z.tgz" },
        }),
    },
    {
      section: "11.4",
      statement: "a key is used as it is, without a suffix, and reported alone",
      check: (end, cluster) => {
        expect(oneReported(end, "keyed")).toEqual({ name: "keyed", path: "/tmp/o", s3: { key: "own/key" } });
        expect(readTgz(cluster.object("own/key"))).toMatchObject([{ name: "o" }]);
      },
    },
    {
      section: "11.4",
      statement: "a location of its own is used and reported whole",
      check: (end, cluster) => {
        expect(oneReported(end, "located")?.s3).toEqual(cluster.repository("own/located").s3);
        expect(cluster.object("own/located")?.toString()).toBe("v\n");
      },
    },
    {
      section: "11.1",
      statement: "the trace has an event for every output, and a span for every one that is there",
      check: ({ spans }) => {
        const all = spans.find(({ name }) => name === "saveArtifacts");
        const files = all?.events?.map(({ attributes }) => attributes?.[0]?.value.stringValue);
        expect(files).toEqual([
          "z",
          "missing",
          "missing-in-volume",
          "hollow",
          "hollow-in-volume",
          "keyed",
          "located",
          "a",
        ]);
        expect(spans.filter(({ name }) => name === "saveArtifact")).toHaveLength(6);
      },
    },
  ],
);

const trees = ["/tmp/tree", "/work/tree"];
const tree = (root: string): string =>
  `mkdir -p ${root}/sub/empty ${root}-empty; cd ${root}; echo 1 >f; echo 2 >sub/g; ln -s f l; mkfifo pipe`;

const directories: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: {
        artifacts: trees.flatMap((root, index) => [
          plain(`tree-${index}`, root, { s3: { key: `trees/${index}` } }),
          plain(`empty-${index}`, `${root}-empty`, { s3: { key: `trees/empty-${index}` } }),
        ]),
      },
      archiveLocation: cluster.repository("trees"),
    },
    env: { REMOVE_LOCAL_ART_PATH: "true" },
    volumes: ["/work"],
    argv: sh(trees.map(tree).join("\n")),
  }),
  {},
  [
    ...["the image's own file system", "a volume"].map((place, index) => ({
      section: "11.5",
      statement: `a directory in ${place} with strategy none is one object per file`,
      check: (end: PodEnd, cluster: Cluster) => {
        expect(cluster.keys(`trees/${index}`)).toEqual([`trees/${index}/f`, `trees/${index}/sub/g`]);
        expect(cluster.object(`trees/${index}/sub/g`)?.toString()).toBe("2\n");
        expect(oneReported(end, `tree-${index}`)?.s3).toEqual({ key: `trees/${index}` });
      },
    })),
    {
      section: "11.5",
      statement: "links and pipes in such a directory are left out, and the log says which",
      check: ({ wait }) =>
        expect(
          wait?.log.match(/left out what an object store cannot hold: l \(symbolic link\), pipe \(pipe\)/g),
        ).toHaveLength(2),
    },
    {
      section: "11.5",
      statement: "an empty directory, of the output or below it, is an object whose key ends in a slash",
      check: (end, { s3 }) => {
        // The S3 server keeps such objects as directories, and makes none for any other reason.
        const kept = look(join(s3.root, s3.bucket, "trees"));
        expect(kept).toMatchObject({
          0: { sub: { empty: {} } },
          "empty-0": {},
          1: { sub: { empty: {} } },
          "empty-1": {},
        });
        expect(reported(end).map(({ name }) => name)).toEqual(["tree-0", "empty-0", "tree-1", "empty-1"]);
      },
    },
    {
      section: "11.7",
      statement: "REMOVE_LOCAL_ART_PATH does not remove the user's files from a volume",
      pitfall: 24,
      check: ({ volume }) => expect(Object.keys(look(`${volume("/work")}/tree/sub`))).toEqual(["empty", "g"]),
    },
  ],
);

const nothing: ConformanceCase[] = [
  {
    section: "11.1",
    statement: "a template without outputs is said to have none",
    pod: { template: { container: {} } },
    expect: { logs: { wait: ['"msg":"No output artifacts"'] } },
  },
];

conformance("what is saved and reported of output artifacts", [...loop, ...directories, ...nothing]);
