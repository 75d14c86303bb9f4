import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { readTgz } from "./support/archives.ts";
import { output, parameter, SAYS, sh, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const RESULT = { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" };
const artifactsOf = ({ result }: PodEnd) => result?.outputs?.artifacts?.map(({ name }) => name);
const one = (path: string, more: object = {}) => ({
  container: {},
  outputs: { parameters: [parameter("p", path, more)] },
});
const is = (path: string, value: string, more: object = {}) => ({
  parameters: [{ ...parameter("p", path, more), value }],
});

const parameters: ConformanceCase[] = [
  {
    section: "10.1",
    statement: "a relative path is one below the working directory",
    pod: { template: one("sub/p"), workingDirectory: "/tmp", argv: sh("mkdir -p sub; echo v >sub/p") },
    expect: { outputs: is("sub/p", "v") },
  },
  {
    section: "10.1",
    statement: "a path may go up and down again",
    pod: { template: one("/tmp/a/../p"), argv: sh("mkdir /tmp/a; echo v >/tmp/p") },
    expect: { outputs: is("/tmp/a/../p", "v") },
  },
  {
    section: "10.1",
    statement: "a path with blanks and letters of any script is taken as it is",
    pod: { template: one("/tmp/a b/žluť 火"), argv: sh("mkdir '/tmp/a b'; echo v >'/tmp/a b/žluť 火'") },
    expect: { outputs: is("/tmp/a b/žluť 火", "v") },
  },
  {
    section: "10.1",
    statement: "a file without a size of its own, as those below /proc, is read to its end",
    pod: { template: one("/proc/sys/kernel/ostype"), argv: ["true"] },
    expect: { outputs: is("/proc/sys/kernel/ostype", "Linux") },
  },
  {
    section: "10.1",
    statement: "a directory in place of a parameter fails main and names it; wait says what is missing",
    pod: { template: one("/tmp/p"), argv: sh("mkdir /tmp/p") },
    expect: {
      exitCodes: { main: 64, wait: 64 },
      messages: { main: /\/tmp\/p.*is a directory/, wait: /outputs\/parameters\/tmp\/p: no such file/ },
    },
  },
  {
    section: "10.1",
    statement: "a directory in place of a parameter in a volume fails wait, unless there is a default",
    pod: {
      template: {
        container: withVolumes("/work"),
        outputs: {
          parameters: [parameter("q", "/work/d", { default: "instead" }), parameter("p", "/work/d")],
        },
      },
      volumes: ["/work"],
      argv: sh("mkdir /work/d"),
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /\/mainctrfs\/work\/d.*is a directory/ } },
    check: ({ result }) => expect(result?.outputs?.parameters?.[0]?.value).toBe("instead"),
  },
  {
    section: "10.1",
    statement: "a pipe in place of a parameter fails main, names it, and keeps nobody waiting",
    pod: { template: one("/tmp/p", { default: "d" }), argv: sh("mkfifo /tmp/p") },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /\/tmp\/p: it is a pipe/ },
      outputs: is("/tmp/p", "d", { default: "d" }),
    },
  },
  {
    section: "10.1",
    statement: "a device in place of a parameter fails main, names it, and is not read",
    pod: { template: one("/dev/zero", { default: "d" }), argv: ["true"] },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /\/dev\/zero: it is a pipe, a socket or a device/ },
      outputs: is("/dev/zero", "d", { default: "d" }),
    },
  },
  {
    section: "10.1",
    statement: "of a parameter of gigabytes nothing but its size gets to the shared volume",
    pitfall: 31,
    pod: { template: { container: {}, ...SAYS }, argv: sh("truncate -s 40G /tmp/p") },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /\/tmp\/p holds 42949672960 bytes/ } },
  },
  {
    section: "10.1",
    statement: "a parameter that main may not read itself fails main, and its default is reported",
    rootOnly: "a user without capabilities owns what it writes, and can read it",
    pod: {
      template: one("/tmp/p", { default: "d" }),
      securityContextOf: { main: { runAsUser: 1234, readOnlyRootFilesystem: false } },
      volumes: ["/tmp"],
      prepare: (pod) => writeFileSync(join(pod.volume("/tmp"), "p"), "secret", { mode: 0o600 }),
    },
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /^failed to open \/tmp\/p: .*permission denied/ },
      outputs: is("/tmp/p", "d", { default: "d" }),
    },
  },
  {
    section: "10.1",
    statement: "the parameters after one that could not be read are reported without a value",
    pod: {
      template: {
        container: {},
        outputs: {
          parameters: [parameter("a", "/tmp/a"), parameter("b", "/tmp/b"), parameter("c", "/tmp/c")],
        },
      },
      argv: sh("echo 1 >/tmp/a; echo 3 >/tmp/c"),
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /outputs\/parameters\/tmp\/b: no such file/ },
      outputs: {
        parameters: [
          { ...parameter("a", "/tmp/a"), value: "1" },
          parameter("b", "/tmp/b"),
          parameter("c", "/tmp/c"),
        ],
      },
    },
  },
  {
    section: "10.1",
    statement: "a file may be a parameter, an artifact and below another artifact at once",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: {
          ...SAYS.outputs,
          artifacts: [output("file", "/tmp/p"), output("tree", "/tmp/d", { archive: { none: {} } })],
        },
        archiveLocation: cluster.repository("thrice"),
      },
      argv: sh("mkdir /tmp/d; echo v >/tmp/d/p; ln /tmp/d/p /tmp/p"),
    }),
    expect: { objects: { "thrice/d/p": "v\n" } },
    check: (end, cluster) => {
      expect(end.result?.outputs?.parameters?.[0]?.value).toBe("v");
      expect(readTgz(cluster.object("thrice/file.tgz"))).toMatchObject([{ name: "p" }]);
    },
  },
];

const results: ConformanceCase[] = [
  {
    section: "10.2",
    statement: "a result of exactly 256 KiB and a newline is whole",
    pod: {
      template: { container: {} },
      env: RESULT,
      argv: ["sh", "-ec", "head -c 262144 /dev/zero | tr '\\0' x; echo"],
    },
    check: ({ result, wait }) => {
      expect(result?.outputs?.result).toBe("x".repeat(262_144));
      expect(wait?.log).not.toContain("only the last 256 kB");
    },
  },
  {
    section: "10.2",
    statement: "a result loses one newline, not a carriage return, nor a second newline",
    pod: { template: { container: {} }, env: RESULT, argv: ["sh", "-ec", "printf 'a\\r\\n\\n'"] },
    expect: { outputs: { result: "a\r\n" } },
  },
  {
    section: "10.2",
    statement: "bytes of a result that are no UTF-8 become replacement characters",
    pitfall: 31,
    pod: { template: { container: {} }, env: RESULT, argv: ["sh", "-ec", "printf 'a\\377b'"] },
    expect: { outputs: { result: "a\uFFFDb" } },
  },
  {
    section: "10.2",
    statement: "of a sidecar nothing is a result",
    pod: {
      template: { container: {} },
      env: RESULT,
      argv: sh("echo main"),
      sidecars: { side: sh("echo side; sleep 600") },
    },
    expect: { exitCodes: { side: 143 }, outputs: { result: "main" } },
  },
];

const artifacts: ConformanceCase[] = [
  {
    section: "11.2",
    statement: "an artifact's relative path is one below the working directory",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { artifacts: [output("o", "out.txt")] },
        archiveLocation: cluster.repository("relative"),
      },
      workingDirectory: "/tmp",
      argv: sh("echo v >out.txt"),
    }),
    check: (_end, cluster) =>
      expect(readTgz(cluster.object("relative/o.tgz"))).toMatchObject([{ name: "out.txt" }]),
  },
  {
    section: "13.2",
    statement: "a file without a size of its own is saved with what it holds",
    pitfall: 32,
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { artifacts: [output("o", "/proc/version")] },
        archiveLocation: cluster.repository("proc"),
      },
    }),
    check: (_end, cluster) =>
      expect(readTgz(cluster.object("proc/o.tgz"))).toMatchObject([
        { name: "version", data: readFileSync("/proc/version", "utf8") },
      ]),
  },
  {
    section: "13.2",
    statement: "what main may not read of a directory fails main, and names it",
    rootOnly: "a user without capabilities owns what it writes, and can read it",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { artifacts: [output("o", "/tmp/d"), output("ok", "/tmp/f")] },
        archiveLocation: cluster.repository("unreadable"),
      },
      securityContextOf: { main: { runAsUser: 1234, readOnlyRootFilesystem: false } },
      volumes: ["/tmp"],
      prepare: (pod) => {
        const file = join(pod.volume("/tmp"), "private");
        writeFileSync(file, "x");
        chmodSync(file, 0o600);
      },
      argv: sh(
        "mkdir /tmp/d; ln -s /tmp/private /tmp/d/link; echo x >/tmp/d/mine; chmod 0 /tmp/d/mine; echo v >/tmp/f",
      ),
    }),
    expect: {
      exitCodes: { main: 64, wait: 64 },
      messages: { main: /\/tmp\/d\/mine: permission denied/, wait: /^artifact o failed to save: / },
    },
    check: (end) => expect(artifactsOf(end)).toEqual(["ok"]),
  },
  {
    section: "11.2",
    statement: "a link that leads nowhere is as missing: an error, and none of an optional output",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { artifacts: [output("o", "/tmp/o"), output("q", "/tmp/o", { optional: true })] },
        archiveLocation: cluster.repository("nowhere"),
      },
      argv: sh("ln -s /no/where /tmp/o"),
    }),
    expect: { exitCodes: { wait: 64 }, messages: { wait: /^artifact o failed to save: .*no such file/ } },
    check: (end) => expect(end.result?.outputs?.artifacts ?? []).toEqual([]),
  },
  {
    section: "13.2",
    statement: "a sparse file is saved with the size it has",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { artifacts: [output("o", "/tmp/o")] },
        archiveLocation: cluster.repository("sparse"),
      },
      argv: sh("truncate -s 3M /tmp/o; printf end >>/tmp/o"),
    }),
    check: (_end, cluster) => {
      const [file] = readTgz(cluster.object("sparse/o.tgz"));
      expect([file?.data.length, file?.data.slice(-4)]).toEqual([3 * 1024 * 1024 + 3, "\0end"]);
    },
  },
];

conformance("odd outputs", [...parameters, ...results, ...artifacts]);
