import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd, PodRequest, PodTemplate } from "../support/pods/pod-request.ts";
import { raw, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

type InputArtifact = NonNullable<NonNullable<PodTemplate["inputs"]>["artifacts"]>[number];

/** A pod whose `init` alone is of interest. */
const loads = (
  artifacts: InputArtifact[],
  more: Partial<PodRequest> = {},
  rest: object = {},
): PodRequest => ({
  template: { container: {}, inputs: { artifacts }, ...rest },
  absent: ["wait", "main"],
  ...more,
});

const fails = (message: string | RegExp) => ({ exitCodes: { init: 64 }, messages: { init: message } });
const textOf = (end: PodEnd, name: string): string => readFileSync(end.input(name), "utf8");
const permissions = (path: string): string => (statSync(path).mode & 0o777).toString(8);

const inS3 = (cluster: Cluster, key: string, more: object = {}) => ({
  name: "a",
  path: "/tmp/a",
  archive: { none: {} },
  ...cluster.repository(key),
  ...more,
});

const supply: ConformanceCase[] = [
  {
    section: "6",
    statement: "an artifact that is required and not supplied fails init with 64 and its name",
    pod: loads([{ name: "a", path: "/tmp/a" }]),
    expect: fails("required artifact 'a' not supplied"),
  },
  {
    section: "6",
    statement: "an optional artifact that is not supplied is skipped",
    pod: loads([{ name: "a", path: "/tmp/a", optional: true }]),
    check: (end) => expect(existsSync(end.input("a"))).toBe(false),
  },
  {
    section: "6",
    statement: "an optional artifact whose object is not there is skipped, and the others are loaded",
    pod: (cluster) => loads([inS3(cluster, "nowhere", { optional: true }), raw("b", "/tmp/b", "here")]),
    check: (end) => {
      expect(existsSync(end.input("a"))).toBe(false);
      expect(textOf(end, "b")).toBe("here");
    },
  },
  {
    section: "6",
    statement:
      "a required artifact whose object is not there fails init with the artifact's name and S3's words",
    pod: (cluster) => loads([inS3(cluster, "nowhere")]),
    expect: fails(/^artifact a failed to load: .*key does not exist/),
  },
  {
    section: "6",
    statement: "when one of several artifacts fails, the message names it",
    pod: (cluster) => loads([raw("ok", "/tmp/ok", "x"), inS3(cluster, "nowhere"), raw("z", "/tmp/z", "x")]),
    expect: fails(/^artifact a failed to load: /),
  },
  {
    section: "6",
    statement: "an artifact of a driver that is not there is refused by name",
    pod: loads([{ name: "a", path: "/tmp/a", gcs: { bucket: "b", key: "k" } }]),
    expect: fails("Unsupported artifact driver for a"),
  },
  {
    section: "6",
    statement: "init does not speak to the API server",
    pod: loads([raw("a", "/tmp/a", "x")]),
    check: ({ requests }) => expect(requests).toEqual([]),
  },
  {
    section: "6",
    statement: "init that runs again replaces what it loaded before",
    pod: loads([raw("a", "/tmp/a", "new")], {
      prepare: (pod) => writeFileSync(pod.input("a"), "what an interrupted init left, and longer"),
    }),
    check: (end) => expect(textOf(end, "a")).toBe("new"),
  },
  {
    section: "6",
    statement: "init that runs again replaces the directory that it loaded into a volume before",
    pod: (cluster) => {
      for (const file of ["x", "y"]) cluster.putObject(`again/d/${file}`, file);
      return loads(
        [
          inS3(cluster, "again/d", { path: "/work/d" }),
          // Within the other one, so it is loaded after it; at first it is missing.
          inS3(cluster, "again/late", { name: "late", path: "/work/d/late" }),
        ],
        {
          volumes: ["/work"],
          restarts: { init: 1 },
          onRestart: () => cluster.putObject("again/late", "late"),
        },
        { container: withVolumes("/work") },
      );
    },
    check: (end) =>
      expect(readdirSync(join(end.volume("/work"), "d")).toSorted()).toEqual(["late", "x", "y"]),
  },
  {
    section: "6",
    statement: "when an artifact fails, nothing that looks like it is left",
    pod: (cluster) => ({
      ...loads([inS3(cluster, "broken.tgz", { archive: { tar: {} } })]),
      prepare: () => cluster.putObject("broken.tgz", "no archive at all"),
    }),
    expect: fails(/^artifact a failed to load: /),
    check: (end) => expect(existsSync(end.input("a"))).toBe(false),
  },
];

const location: ConformanceCase[] = [
  {
    section: "5.3",
    statement: "an artifact with only a key is looked for in the template's archiveLocation",
    pod: (cluster) => ({
      ...loads(
        [{ name: "a", path: "/tmp/a", s3: { key: "relocated/x" } }],
        {},
        {
          archiveLocation: cluster.repository("not/this"),
        },
      ),
      prepare: () => cluster.putObject("relocated/x", "found"),
    }),
    check: (end) => expect(textOf(end, "a")).toBe("found"),
  },
  {
    section: "5.3",
    statement: "an artifact with only a key and no archiveLocation fails, and the text says what is missing",
    pod: loads([{ name: "a", path: "/tmp/a", s3: { key: "k" } }]),
    expect: fails("failed to load artifact 'a': template artifact location not set"),
  },
  {
    section: "5.3",
    statement: "an artifact with a location of its own does not look at archiveLocation",
    pod: (cluster) => ({
      ...loads(
        [inS3(cluster, "own/x")],
        {},
        {
          archiveLocation: { s3: { endpoint: "127.0.0.1:1", bucket: "b", key: "k" } },
        },
      ),
      prepare: () => cluster.putObject("own/x", "own"),
    }),
    check: (end) => expect(textOf(end, "a")).toBe("own"),
  },
  {
    section: "5.6",
    statement: "a secret's file that is missing fails with the text of the file system",
    pod: (cluster) => loads([inS3(cluster, "k")], { secrets: { "cred/accesskey": "x" } }),
    expect: fails(/open \/argo\/secret\/cred\/secretkey: no such file or directory/),
  },
];

const cleanPath = (path: string, accepted: boolean): ConformanceCase => ({
  section: "5.3",
  statement: `the path ${path} is ${accepted ? "accepted" : "refused"}`,
  ...(accepted && /^\/x\/\/ab$|^\/\/ab$|^\.\/ab$/.test(path) ? { pitfall: 43 } : {}),
  pod: loads([raw("a", path, "x")]),
  ...(accepted
    ? {}
    : {
        expect: fails(
          "Artifact 'a' attempted to use a path containing '..'. Directory traversal is not permitted",
        ),
      }),
});

const paths: ConformanceCase[] = [
  {
    section: "5.3",
    statement: "an artifact without a path is refused by name",
    pod: loads([raw("a", "", "x")]),
    expect: fails("Artifact 'a' did not specify a path"),
  },
  ...["/a/../b", "/a/b/..", "/a/b/../c"].map((path) => cleanPath(path, false)),
  ...["a//b", "/a/..x", "/x//abc", "/x//ab", "//ab", "./ab"].map((path) => cleanPath(path, true)),
  {
    section: "6",
    statement: "an artifact is put where its name says, whatever its path is called",
    pod: loads([raw("a.b-c_1", "/somewhere/else.txt", "x")]),
    check: (end) => expect(textOf(end, "a.b-c_1")).toBe("x"),
  },
  {
    section: "6",
    statement: "an artifact whose path lies in a volume is put there, through /mainctrfs",
    pod: loads([raw("a", "/work/sub/f", "x")], { volumes: ["/work"] }, { container: withVolumes("/work") }),
    check: (end) => {
      expect(readFileSync(join(end.volume("/work"), "sub/f"), "utf8")).toBe("x");
      expect(existsSync(end.input("a"))).toBe(false);
    },
  },
  {
    section: "6",
    statement: "of two volumes, one within the other, the inner one takes the artifact",
    pod: loads(
      [raw("a", "/work/in/f", "x")],
      { volumes: ["/work", "/work/in"] },
      {
        container: withVolumes("/work", "/work/in"),
      },
    ),
    check: (end) => expect(readFileSync(join(end.volume("/work/in"), "f"), "utf8")).toBe("x"),
  },
  {
    section: "6",
    statement: "a volume takes only whole names of its path: /work takes nothing from /workshop",
    pod: loads([raw("a", "/workshop/f", "x")], { volumes: ["/work"] }, { container: withVolumes("/work") }),
    check: (end) => expect(textOf(end, "a")).toBe("x"),
  },
];

const modes: ConformanceCase[] = [
  {
    section: "6",
    statement: "mode is what chmod gets, in the nine low bits",
    pod: loads([raw("a", "/tmp/a", "x", { mode: 0o4751 })]),
    check: (end) => expect(permissions(end.input("a"))).toBe("751"),
  },
  {
    section: "6",
    statement: "mode alone is for the directory, not for what is in it",
    pod: (cluster) => ({
      ...loads([inS3(cluster, "tree/", { mode: 0o700 })]),
      prepare: () => cluster.putObject("tree/sub/f", "x"),
    }),
    check: (end) => {
      expect(permissions(end.input("a"))).toBe("700");
      expect(permissions(join(end.input("a"), "sub/f"))).toBe("666");
    },
  },
  {
    section: "6",
    statement: "with recurseMode, mode is for everything below, too",
    pod: (cluster) => ({
      ...loads([inS3(cluster, "tree2/", { mode: 0o750, recurseMode: true })]),
      prepare: () => cluster.putObject("tree2/sub/f", "x"),
    }),
    check: (end) => {
      for (const path of ["", "sub", "sub/f"]) expect(permissions(join(end.input("a"), path))).toBe("750");
    },
  },
  {
    section: "6",
    statement: "without mode an object is readable by everybody",
    pitfall: 14,
    pod: (cluster) => ({
      ...loads([inS3(cluster, "readable")]),
      prepare: () => cluster.putObject("readable", "x"),
    }),
    check: (end) => expect(permissions(end.input("a"))).toBe("666"),
  },
  {
    section: "6",
    statement: "a link that an earlier step left in a volume does not lead an artifact out of it",
    pitfall: 12,
    pod: loads(
      [raw("a", "/work/out/f", "x")],
      {
        volumes: ["/work"],
        prepare: (pod) => symlinkSync("/tmp", join(pod.volume("/work"), "out")),
      },
      { container: withVolumes("/work") },
    ),
    expect: fails(/^artifact a failed to load: /),
  },
];

const raws: ConformanceCase[] = [
  ["text", "line\nline\n"],
  ["nothing", ""],
  ["text of any script", "žluť 火 🚀"],
  ["what looks like base64 of an archive", "H4sIAAAAAAAAA+3OMQ=="],
].map(
  ([what, data]): ConformanceCase => ({
    section: "12.4",
    statement: `raw data that is ${what} is written as it is`,
    pod: loads([raw("a", "/tmp/a", data ?? "")]),
    check: (end) => expect(textOf(end, "a")).toBe(data),
  }),
);

conformance("input artifacts", [...supply, ...location, ...paths, ...modes, ...raws]);
