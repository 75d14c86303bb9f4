import { expect } from "vitest";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { output, parameter, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { type Observation, ofOnePod } from "./support/one-pod.ts";

const NONE = { archive: { none: {} } };
const DOCS = "https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/";
const names = ({ result }: PodEnd) => result?.outputs?.artifacts?.map(({ name }) => name);

/** Outputs that cannot be saved, and what is said of each. */
const FAILURES = [
  {
    section: "11.3",
    statement:
      "a missing output in the image's file system is named by the file it should have been packed in",
    artifact: output("image", "/tmp/none"),
    text: "artifact image failed to save: open /var/run/argo/outputs/artifacts/tmp/none.tgz: no such file or directory",
  },
  {
    section: "11.3",
    statement: "so is one with strategy none",
    artifact: output("image-none", "/tmp/no/ne", NONE),
    text: "artifact image-none failed to save: open /var/run/argo/outputs/artifacts/tmp/no/ne.tgz: no such file or directory",
  },
  {
    section: "11.3",
    statement: "a missing output in a volume with strategy none is named by its path below /mainctrfs",
    artifact: output("volume-none", "/work/none", NONE),
    text: "artifact volume-none failed to save: /mainctrfs/work/none no such file or directory",
  },
  {
    section: "11.3",
    statement: "a missing output in a volume that is to be packed is named by its path below /mainctrfs",
    artifact: output("volume", "/work/none"),
    text: "artifact volume failed to save: stat /mainctrfs/work/none: no such file or directory",
  },
  {
    section: "11.1",
    statement: "an output without a path is refused by name",
    artifact: { name: "pathless" },
    text: "Artifact 'pathless' did not specify a path",
  },
  ...["/tmp/../b", "/tmp/b/..", "/tmp/b/../c"].map((path, index) => ({
    section: "11.1",
    statement: `the path ${path} is refused for its dots`,
    artifact: output(`dots-${index}`, path),
    text: `Artifact 'dots-${index}' attempted to use a path containing '..'. Directory traversal is not permitted`,
  })),
];

const missing: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: withVolumes("/work"),
      outputs: {
        artifacts: [
          ...FAILURES.map(({ artifact }) => artifact),
          output("there", "/tmp/there"),
          output("optional", "/tmp/optional", { optional: true }),
        ],
      },
      archiveLocation: cluster.repository("failures", { archiveLogs: true }),
    },
    volumes: ["/work"],
    argv: sh("echo v >/tmp/there"),
  }),
  { exitCodes: { wait: 64 }, messages: { wait: /./ } },
  [
    ...FAILURES.map(
      ({ section, statement, text }): Observation => ({
        section,
        statement,
        check: ({ wait }) => expect(wait?.terminationMessage.split("; ")).toContain(text),
      }),
    ),
    {
      section: "8.2",
      statement:
        "the errors of all outputs are one message, each with a semicolon after it, in the order of declaration",
      check: ({ wait }) =>
        expect(wait?.terminationMessage).toBe(FAILURES.map(({ text }) => `${text}; `).join("")),
    },
    {
      section: "8.5",
      statement: "outputs that could be saved, and logs, are reported although others could not",
      check: (end) => expect(names(end)).toEqual(["there", "main-logs"]),
    },
  ],
);

const failed: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: {},
      outputs: {
        artifacts: [output("o", "/tmp/o"), output("missing", "/tmp/missing")],
        parameters: [parameter("p", "/tmp/p")],
      },
      archiveLocation: cluster.repository("failed"),
    },
    argv: sh("echo v >/tmp/o; exit 3"),
  }),
  { exitCodes: { main: 3, wait: 64 }, messages: { wait: /./ } },
  [
    {
      section: "8.2",
      statement: "the artifacts of a main that failed are saved and reported",
      pitfall: 29,
      check: (end, cluster) => {
        expect(names(end)).toEqual(["o"]);
        expect(cluster.object("failed/o.tgz")).toBeDefined();
      },
    },
    {
      section: "8.5",
      statement: "one that is missing after a main that failed is an error of wait; main keeps its code",
      check: ({ main, wait }) => expect([main?.exitCode, wait?.exitCode]).toEqual([3, 64]),
    },
    {
      section: "8.2",
      statement:
        "the first error is what wait ends with: that of a parameter comes before those of artifacts",
      check: ({ wait }) => {
        expect(wait?.terminationMessage).toMatch(
          /^open .*\/outputs\/parameters\/tmp\/p: no such file or directory$/,
        );
        expect(wait?.log).toContain("/outputs/artifacts/tmp/missing.tgz: no such file or directory; ");
      },
    },
  ],
);

const uploads: ConformanceCase[] = ofOnePod(
  (cluster) => {
    const nowhere = { s3: { ...cluster.repository("k").s3, bucket: "no-such-bucket" } };
    return {
      template: {
        container: {},
        outputs: {
          artifacts: [
            output("optional", "/tmp/o", { ...nowhere, optional: true }),
            output("o", "/tmp/o", { s3: { key: "uploads/o" } }),
          ],
        },
        archiveLocation: cluster.repository("uploads"),
      },
      argv: sh("echo v >/tmp/o"),
    };
  },
  { exitCodes: { wait: 64 }, messages: { wait: /./ } },
  [
    {
      section: "11.1",
      statement: "an upload that fails is an error, even of an optional output",
      check: ({ wait }) => expect(wait?.terminationMessage).toMatch(/bucket does not exist.*; $/),
    },
    {
      section: "8.5",
      statement: "the other outputs are saved and reported",
      check: (end, cluster) => {
        expect(names(end)).toEqual(["o"]);
        expect(cluster.object("uploads/o")).toBeDefined();
      },
    },
  ],
);

const homeless = (
  what: string,
  archiveLocation: object | undefined,
  message: string | RegExp,
  more: object = {},
): ConformanceCase => ({
  section: "11.4",
  statement: `${what} is an error`,
  pod: {
    template: {
      container: {},
      outputs: { artifacts: [output("o", "/tmp/o", more)] },
      ...(archiveLocation && { archiveLocation }),
    },
    argv: sh("echo v >/tmp/o"),
  },
  expect: { exitCodes: { wait: 64 }, messages: { wait: message } },
});

const GIT = { git: { repo: "https://localhost/none.git" } };
const keys: ConformanceCase[] = [
  homeless(
    "an output without a key when there is no repository",
    undefined,
    "artifact o failed to save: key unsupported: cannot get key for artifact location, because it is invalid; ",
  ),
  homeless(
    "an output without a key when the repository has no storage",
    {},
    `artifact o failed to save: artifact storage is not configured; see the docs for setup instructions: ${DOCS}; `,
  ),
  homeless(
    "an output with a key and nothing else when there is no repository",
    undefined,
    "artifact o failed to save: template artifact location not set; ",
    { s3: { key: "k" } },
  ),
  homeless(
    "an output without a key when the repository is git",
    GIT,
    "artifact o failed to save: key unsupported: git artifact does not have a key; ",
  ),
  homeless(
    "an output without a key when the repository is raw",
    { raw: { data: "" } },
    "artifact o failed to save: key unsupported: raw artifat does not have key; ",
  ),
  homeless(
    "an output to git",
    undefined,
    /^artifact o failed to save: git output artifacts unsupported; $/,
    GIT,
  ),
  homeless("an output to raw", undefined, /^artifact o failed to save: Raw output artifacts unsupported; $/, {
    raw: { data: "x" },
  }),
];

conformance("output artifacts that cannot be saved", [...missing, ...failed, ...uploads, ...keys]);
