import { chmodSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { appears, parameter, sh, sharedText, withVolumes } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const set = (containers: object[], more: object = {}) => ({ containerSet: { containers, ...more } });
const LINE = "echo $ARGO_CONTAINER_NAME >>/var/run/argo/order";

const dependencies: ConformanceCase[] = [
  {
    section: "7",
    statement: "members run in the order of their dependencies",
    pod: {
      template: set([
        { name: "d", dependencies: ["b", "c"] },
        { name: "b", dependencies: ["a"] },
        { name: "c", dependencies: ["b"] },
        { name: "a" },
      ]),
      members: { d: sh(LINE), b: sh(LINE), c: sh(LINE), a: sh(`sleep 0.1; ${LINE}`) },
    },
    check: (end) => expect(sharedText(end, "order")).toBe("a\nb\nc\nd\n"),
  },
  {
    section: "7",
    statement: "members without a dependency between them run at the same time",
    pod: {
      template: set([{ name: "a" }, { name: "b" }]),
      members: {
        a: sh("touch /var/run/argo/a; while ! test -e /var/run/argo/b; do sleep 0.02; done"),
        b: sh("touch /var/run/argo/b; while ! test -e /var/run/argo/a; do sleep 0.02; done"),
      },
    },
  },
  {
    section: "7",
    statement: "a member whose dependency failed does not run and ends with 64, naming it",
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
      controller: false,
      members: { a: sh("exit 3"), b: sh("touch /var/run/argo/ran") },
    },
    expect: {
      exitCodes: { a: 3, b: 64 },
      messages: { b: 'dependency "a" exited with non-zero code: 3' },
    },
  },
  {
    section: "7",
    statement: "the exit-code file of a member that did not run holds what its process ends with",
    pitfall: 2,
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }, { name: "c", dependencies: ["b"] }]),
      controller: false,
      members: { a: ["true"], b: ["no-such-command"], c: sh("touch /var/run/argo/ran") },
    },
    expect: { exitCodes: { b: 127, c: 64 }, messages: { b: /not found/, c: /dependency "b" exited .* 127/ } },
    check: (end) => {
      expect(sharedText(end, "ctr/b/exitcode")).toBe("127");
      expect(sharedText(end, "ctr/c/exitcode")).toBe("64");
    },
  },
  {
    section: "7",
    statement: "a command that is not found is 127 in a member, so that it is Failed and no Error",
    pitfall: 28,
    pod: { template: set([{ name: "a" }]), members: { a: ["no-such-command"] } },
    expect: { exitCodes: { a: 127 }, messages: { a: /no-such-command/ } },
  },
  {
    section: "7",
    statement: "a file that is not executable is 126 in a member",
    pitfall: 28,
    pod: { template: set([{ name: "a" }]), members: { a: ["/etc/passwd"] } },
    expect: { exitCodes: { a: 126 }, messages: { a: /permission denied/ } },
  },
  {
    section: "2.3",
    statement: "a member told to stop while it waits for a dependency ends with 143, in the file, too",
    pitfall: 2,
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
      controller: false,
      members: { a: sh("while ! test -e /var/run/argo/ctr/b/exitcode; do sleep 0.02; done"), b: ["true"] },
      onRunning: async (pod) => {
        await appears(pod, "skein/journal/b.jsonl");
        pod.containers.b?.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { b: 143 } },
    check: (end) => expect(sharedText(end, "ctr/b/exitcode")).toBe("143"),
  },
  {
    section: "5.1",
    statement: "only the member called main has outputs",
    pod: {
      template: {
        ...set([{ name: "a" }, { name: "main", dependencies: ["a"] }]),
        outputs: { parameters: [parameter("p", "/tmp/p")] },
      },
      members: { a: sh("echo a >/tmp/p"), main: sh("echo main >/tmp/p") },
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/tmp/p"), value: "main" }] } },
  },
  {
    section: "5.1",
    statement: "a set without a member called main completes, and has no outputs",
    pod: { template: set([{ name: "a" }, { name: "b" }]), members: { a: ["true"], b: ["true"] } },
    check: ({ result }) => expect(result?.outputs ?? {}).toEqual({}),
  },
  {
    section: "5.1",
    statement: "the volumes of the set are those whose paths are read through /mainctrfs",
    pod: {
      template: {
        containerSet: { ...withVolumes("/work"), containers: [{ name: "main" }] },
        outputs: { parameters: [parameter("p", "/work/p")] },
      },
      volumes: ["/work"],
      members: { main: sh("echo v >/work/p") },
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/work/p"), value: "v" }] } },
  },
  {
    section: "8.3",
    statement: "the end is that of the last member, and the failure of one keeps its own code",
    pod: {
      template: set([{ name: "a" }, { name: "b" }]),
      controller: false,
      members: { a: sh("exit 9"), b: sh("sleep 0.3; exit 4") },
    },
    expect: { exitCodes: { a: 9, b: 4 } },
  },
];

const COUNT = "echo x >>/var/run/argo/tries; n=$(wc -l </var/run/argo/tries)";

const attempts = (
  statement: string,
  retryStrategy: object | undefined,
  script: string,
  exitCode: number,
  tries: number,
  pitfall?: number,
): ConformanceCase => ({
  section: "7",
  statement,
  ...(pitfall === undefined ? {} : { pitfall }),
  pod: {
    template: set([{ name: "a" }], retryStrategy ? { retryStrategy } : {}),
    members: { a: sh(`${COUNT}; ${script}`) },
    prepare: (pod) => {
      writeFileSync(pod.shared("tries"), "", { mode: 0o666 });
      chmodSync(pod.shared("tries"), 0o666);
    },
  },
  expect: { exitCodes: { a: exitCode } },
  check: (end) => expect(sharedText(end, "tries").split("\n").length - 1).toBe(tries),
});

const retries: ConformanceCase[] = [
  attempts("without a retryStrategy there is one attempt", undefined, "exit 3", 3, 1),
  attempts("retries: 3 makes three attempts in all", { retries: 3 }, "exit 3", 3, 3, 3),
  attempts("a number in a string counts", { retries: "2" }, "exit 3", 3, 2, 3),
  attempts("retries end with the first success", { retries: 5 }, 'test "$n" = 2', 0, 2),
  attempts("retries: 0 never runs the command and succeeds", { retries: 0 }, "exit 3", 0, 0, 3),
  attempts(
    "retries that are no number never run the command and succeed",
    { retries: "many" },
    "exit 3",
    0,
    0,
    3,
  ),
  attempts("a duration is waited between two attempts", { retries: 2, duration: "100ms" }, "exit 3", 3, 2),
  {
    section: "7",
    statement: "a negative duration is refused",
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 2, duration: "-1s" } }),
      members: { a: ["true"] },
    },
    expect: { exitCodes: { a: 64 }, messages: { a: /duration has to be positive/ } },
  },
  {
    section: "7",
    statement: "a duration that is none is refused",
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 2, duration: "soon" } }),
      members: { a: ["true"] },
    },
    expect: { exitCodes: { a: 64 }, messages: { a: /^failed to get retry strategy: / } },
  },
  {
    section: "7",
    statement: "a signal ends the attempts, and the code is the command's own",
    pitfall: 40,
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 5 } }),
      controller: false,
      members: {
        a: sh("trap 'exit 6' TERM; echo x >>/var/run/argo/up; while :; do sleep 0.05; done"),
      },
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.containers.a?.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { a: 6 } },
    check: (end) => expect(sharedText(end, "up")).toBe("x\n"),
  },
];

conformance("containerSet", [...dependencies, ...retries]);
