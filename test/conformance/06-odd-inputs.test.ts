import { existsSync, lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { tgz } from "./support/archives.ts";
import { raw, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const loads = (artifacts: object[], more: Partial<PodRequest> = {}, rest: object = {}): PodRequest => ({
  template: { container: {}, inputs: { artifacts: artifacts as never }, ...rest },
  absent: ["wait", "main"],
  ...more,
});
const fails = (message: string | RegExp) => ({ exitCodes: { init: 64 }, messages: { init: message } });
const textOf = (end: PodEnd, name: string): string => readFileSync(end.input(name), "utf8");
const permissions = (path: string): string => (lstatSync(path).mode & 0o7777).toString(8);
const inS3 = (cluster: Cluster, key: string, more: object = {}) => ({
  name: "a",
  path: "/tmp/a",
  ...cluster.repository(key),
  ...more,
});
const ONCE = { EXECUTOR_RETRY_BACKOFF_STEPS: "1", SKEIN_RETRY_BUDGET_SECONDS: "1" };

const optional: ConformanceCase[] = [
  {
    section: "6",
    statement: "an optional artifact of a store that is not there is an error all the same",
    pod: (cluster) => {
      const { s3 } = cluster.repository("k");
      return loads([{ name: "a", path: "/tmp/a", optional: true, s3: { ...s3, endpoint: "127.0.0.1:1" } }], {
        env: ONCE,
      });
    },
    expect: fails(/^artifact a failed to load: /),
  },
  {
    section: "6",
    statement:
      "an optional artifact that may not be read, so that it cannot be known to be missing, is an error",
    pitfall: 15,
    pod: async (cluster) => {
      const proxy = await cluster.faultyS3(() => ({
        type: "answer",
        status: 403,
        code: "AccessDenied",
        message: "Access Denied",
      }));
      const { s3 } = cluster.repository("hidden");
      const endpoint = proxy.endpoint;
      return loads([{ name: "a", path: "/tmp/a", optional: true, s3: { ...s3, endpoint } }], { env: ONCE });
    },
    expect: fails(/^artifact a failed to load: .*(AccessDenied|Access Denied)/),
  },
  {
    section: "6",
    statement: "an optional artifact with only a key and no repository is an error: it was supplied",
    pod: loads([{ name: "a", path: "/tmp/a", optional: true, s3: { key: "k" } }]),
    expect: fails("failed to load artifact 'a': template artifact location not set"),
  },
  {
    section: "6",
    statement: "an optional artifact without a location or a path is skipped before its path is looked at",
    pod: loads([{ name: "a", optional: true }]),
  },
  {
    section: "6",
    statement: "a broken archive is an error even of an optional artifact",
    pod: (cluster) => {
      cluster.putObject("optional.tgz", "no archive");
      return loads([inS3(cluster, "optional.tgz", { optional: true, archive: { tar: {} } })]);
    },
    expect: fails(/^artifact a failed to load: /),
  },
];

const names: ConformanceCase[] = [
  {
    section: "6",
    statement: "artifacts may be named as temporaries of each other would be",
    pod: loads([
      raw("x", "/tmp/x", "1"),
      raw("x.tmp", "/tmp/x.tmp", "2"),
      raw("x.tmpdir", "/tmp/x.tmpdir", "3"),
      raw(".skein-x", "/tmp/skein-x", "4"),
    ]),
    check: (end) =>
      expect(["x", "x.tmp", "x.tmpdir", ".skein-x"].map((name) => textOf(end, name))).toEqual([
        "1",
        "2",
        "3",
        "4",
      ]),
  },
  ...["..", ".", "a/../../b"].map(
    (name): ConformanceCase => ({
      section: "6",
      statement: `the name ${name}, which would be a place outside, is refused`,
      pod: loads([raw(name, "/tmp/a", "x")]),
      expect: fails(`artifact name '${name}' cannot be used as a file name`),
    }),
  ),
  {
    section: "6",
    statement: "a hundred artifacts arrive, each where it belongs, and nothing else is left",
    pod: loads(Array.from({ length: 100 }, (_, n) => raw(`a${n}`, `/tmp/a${n}`, `content ${n}`))),
    check: (end) => {
      for (const n of [0, 50, 99]) expect(textOf(end, `a${n}`)).toBe(`content ${n}`);
      expect(readdirSync(end.input("."))).toHaveLength(100);
    },
  },
  {
    section: "6",
    statement: "each artifact is announced by name, and told of when it is there",
    pod: loads([raw("a", "/tmp/a", "x")]),
    expect: {
      logs: {
        init: [
          /"Downloading artifact","name":"a"/,
          /"Successfully download file","path":"\/argo\/inputs\/artifacts\/a"/,
        ],
      },
    },
  },
];

const TREE = tgz(
  { name: "t", type: "5", mode: 0o755 },
  { name: "t/f", data: "x", mode: 0o600 },
  { name: "t/dangling", type: "2", linkName: "nowhere" },
  { name: "t/link", type: "2", linkName: "f" },
);

const modes: ConformanceCase[] = [
  {
    section: "6",
    statement: "mode 0 takes every permission",
    pod: loads([raw("a", "/tmp/a", "x", { mode: 0 })]),
    check: (end) => expect(permissions(end.input("a"))).toBe("0"),
  },
  {
    section: "6",
    statement: "recurseMode without mode changes nothing",
    pod: loads([raw("a", "/tmp/a", "x", { recurseMode: true })]),
    check: (end) => expect(permissions(end.input("a"))).toBe("666"),
  },
  {
    section: "6",
    statement: "recurseMode leaves links alone, and one that leads nowhere is no reason to fail",
    pod: (cluster) => {
      cluster.putObject("links.tgz", TREE);
      return loads([inS3(cluster, "links.tgz", { mode: 0o750, recurseMode: true })]);
    },
    check: (end) => {
      const at = (path: string) => permissions(join(end.input("a"), path));
      expect([at(""), at("f"), at("dangling")]).toEqual(["750", "750", "777"]);
    },
  },
  {
    section: "6",
    statement: "a mode that is no integer is refused with the field's name",
    pod: loads([raw("a", "/tmp/a", "x", { mode: "0755" })]),
    expect: { exitCodes: { init: 2 }, messages: { init: /inputs\.artifacts\[0\]\.mode must be an integer/ } },
  },
  {
    section: "6",
    statement: "directories that are made above an artifact in a volume can be entered by everybody",
    pitfall: 14,
    pod: loads([raw("a", "/work/x/y/f", "v")], { volumes: ["/work"] }, { container: withVolumes("/work") }),
    check: (end) => {
      for (const path of ["x", "x/y"]) expect(permissions(join(end.volume("/work"), path)), path).toBe("777");
    },
  },
  {
    section: "6",
    statement: "main, of another user than init, reads and changes what init loaded",
    rootOnly: "only root can run containers of different users",
    pod: (cluster) => {
      cluster.putObject("users/tree/sub/f", "x");
      return {
        template: {
          container: {},
          inputs: {
            artifacts: [
              inS3(cluster, "users/tree", { path: "/opt/tree" }) as never,
              raw("r", "/opt/raw", "y") as never,
            ],
          },
        },
        securityContextOf: { main: { runAsUser: 1234, readOnlyRootFilesystem: false } },
        argv: sh(
          'test "$(cat /opt/tree/sub/f /opt/raw)" = xy; echo more >>/opt/tree/sub/f; echo z >/opt/tree/new',
        ),
      };
    },
    check: (end) => expect(existsSync(join(end.input("a"), "new"))).toBe(true),
  },
];

const volumes: ConformanceCase[] = [
  {
    section: "6",
    statement: "a volume's own file at the path is replaced, with nothing of it left behind",
    pod: loads(
      [raw("a", "/work/f", "new")],
      {
        volumes: ["/work"],
        prepare: (pod) => writeFileSync(join(pod.volume("/work"), "f"), "older and longer"),
      },
      { container: withVolumes("/work") },
    ),
    check: (end) => expect(readFileSync(join(end.volume("/work"), "f"), "utf8")).toBe("new"),
  },
  {
    section: "6",
    statement: "a file where a directory of the artifact's path should be is an error that names it",
    pod: loads(
      [raw("a", "/work/f/g", "new")],
      {
        volumes: ["/work"],
        prepare: (pod) => writeFileSync(join(pod.volume("/work"), "f"), "a file"),
      },
      { container: withVolumes("/work") },
    ),
    expect: fails(/^artifact a failed to load: failed to create .* directory \/mainctrfs\/work\/f: /),
    check: (end) => expect(readFileSync(join(end.volume("/work"), "f"), "utf8")).toBe("a file"),
  },
  {
    section: "6",
    statement: "volumes of a script and of a set take their artifacts as those of a container do",
    run: async (cluster) => {
      const kinds = [
        { script: { source: "true", ...withVolumes("/work") } },
        { containerSet: { containers: [{ name: "main" }], ...withVolumes("/work") } },
      ];
      for (const kind of kinds) {
        const request = loads([raw("a", "/work/f", "x")], { volumes: ["/work"] });
        const end = await runPod(cluster, {
          ...request,
          template: { inputs: request.template.inputs ?? {}, ...kind },
        });
        expect(end.init.exitCode, end.init.log).toBe(0);
        expect(statSync(join(end.volume("/work"), "f")).size).toBe(1);
      }
    },
  },
  {
    section: "5.1",
    statement: "volumes that only a member of a set mounts take no artifacts",
    pod: {
      template: {
        containerSet: { containers: [{ name: "main", ...withVolumes("/work") }] },
        inputs: { artifacts: [raw("a", "/work/f", "x")] },
      },
      absent: ["wait", "main"],
    },
    check: (end) => expect(textOf(end, "a")).toBe("x"),
  },
];

conformance("odd inputs", [...optional, ...names, ...modes, ...volumes]);
