import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { PodFilesystem } from "../support/pods/pod-request.ts";
import { appears, output, parameter, sh, sharedText, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const set = (containers: object[], more: object = {}) => ({ containerSet: { containers, ...more } });
const deadlineIn = (ms: number): string => new Date(Date.now() + ms).toISOString();
const FOREVER = "while :; do sleep 0.05; done";
const ran = (pod: PodFilesystem, name: string): boolean => existsSync(pod.shared(name));
const tries = (end: PodFilesystem): number => sharedText(end, "tries").split("\n").length - 1;
const counted = (script: string): string[] => sh(`echo x >>/var/run/argo/tries; ${script}`);
/** A file that every container may write, whoever made it. */
const forTries = (pod: PodFilesystem): void => {
  writeFileSync(pod.shared("tries"), "");
  chmodSync(pod.shared("tries"), 0o666);
};

const dependencies: ConformanceCase[] = [
  {
    section: "7",
    statement: "of several dependencies all must succeed: one that fails is named, and nothing runs",
    pod: {
      template: set([{ name: "a" }, { name: "b" }, { name: "c", dependencies: ["a", "b"] }]),
      controller: false,
      members: { a: ["true"], b: sh("exit 5"), c: sh("touch /var/run/argo/ran") },
    },
    expect: { exitCodes: { b: 5, c: 64 }, messages: { c: 'dependency "b" exited with non-zero code: 5' } },
    check: (end) => expect(ran(end, "ran")).toBe(false),
  },
  {
    section: "7",
    statement: "dependencies are looked at in the order of their declaration",
    pod: {
      template: set([{ name: "a" }, { name: "b" }, { name: "c", dependencies: ["a", "b"] }]),
      controller: false,
      members: { a: sh("sleep 0.3; exit 4"), b: sh("exit 5"), c: ["true"] },
    },
    expect: {
      exitCodes: { a: 4, b: 5, c: 64 },
      messages: { c: 'dependency "a" exited with non-zero code: 4' },
    },
  },
  {
    section: "7",
    statement: "a dependency that is retried is waited for to its last attempt",
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }], {
        retryStrategy: { retries: 3, duration: "50ms" },
      }),
      prepare: forTries,
      members: {
        a: counted('test "$(wc -l </var/run/argo/tries)" = 3'),
        b: sh('test "$(wc -l </var/run/argo/tries)" = 3'),
      },
    },
    check: (end) => expect(tries(end)).toBe(3),
  },
  {
    section: "7",
    statement: "a dependency whose container was killed, and left no exit code, fails those that wait for it",
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
      controller: false,
      members: { a: sh("touch /var/run/argo/up; sleep 600"), b: sh("touch /var/run/argo/ran") },
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.containers.a?.kill("SIGKILL");
      },
    },
    expect: { exitCodes: { a: 137, b: 64 }, messages: { b: /^dependency "a" ended without an exit code/ } },
    check: (end) => expect(ran(end, "ran")).toBe(false),
  },
  {
    section: "7",
    statement: "other signals than those that end leave a member that waits for a dependency alone",
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
      members: { a: sh("while ! test -e /var/run/argo/go; do sleep 0.02; done"), b: ["true"] },
      onRunning: async (pod) => {
        await appears(pod, "skein/journal/b.jsonl");
        const signals = ["SIGUSR1", "SIGWINCH", "SIGCONT"] as const;
        for (const signal of signals) pod.containers.b?.kill(signal);
        // On a busy machine they may arrive after the waiting, and then they are for the process.
        await until(() => {
          const journal = sharedText(pod, "skein/journal/b.jsonl");
          return signals.every((signal) => journal.includes(signal));
        });
        writeFileSync(pod.shared("go"), "");
      },
    },
  },
  {
    section: "8.4",
    statement: "a deadline ends every member, those that wait for a dependency, too",
    pod: () => ({
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }, { name: "c" }]),
      env: { ARGO_DEADLINE: deadlineIn(15_000) },
      controller: false,
      members: { a: sh(FOREVER), b: sh("touch /var/run/argo/ran"), c: sh(`trap 'exit 3' TERM; ${FOREVER}`) },
    }),
    expect: {
      exitCodes: { a: 143, b: 143, c: 3 },
      messages: { wait: "Step exceeded its deadline" },
    },
    check: (end) => {
      expect(ran(end, "ran")).toBe(false);
      expect(sharedText(end, "ctr/b/exitcode")).toBe("143");
    },
  },
  {
    section: "5.1",
    statement: "sidecars of a set end after its last member",
    pod: {
      template: set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
      controller: false,
      members: {
        a: ["true"],
        b: sh("until test -e /var/run/argo/side-up; do sleep 0.02; done; test ! -e /var/run/argo/stopped"),
      },
      sidecars: {
        side: sh(`trap 'touch /var/run/argo/stopped; exit 0' TERM; touch /var/run/argo/side-up; ${FOREVER}`),
      },
    },
    check: (end) => expect(ran(end, "stopped")).toBe(true),
  },
];

const retries: ConformanceCase[] = [
  {
    section: "7",
    statement: "a negative number of retries never runs the command and succeeds",
    pitfall: 3,
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: -1 } }),
      members: { a: sh("touch /var/run/argo/ran; exit 3") },
    },
    check: (end) => expect(ran(end, "ran")).toBe(false),
  },
  {
    section: "7",
    statement: "a retryStrategy is for the sidecars of the pod, too",
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 3 } }),
      controller: false,
      prepare: forTries,
      members: { a: sh("while ! test -e /var/run/argo/ctr/side/exitcode; do sleep 0.02; done") },
      sidecars: { side: counted("exit 2") },
    },
    expect: { exitCodes: { side: 2 } },
    check: (end) => expect(tries(end)).toBe(3),
  },
  {
    section: "7",
    statement: "the pause between two attempts ends with a SIGTERM, and the code is the last attempt's",
    pitfall: 40,
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 3, duration: "1h" } }),
      controller: false,
      prepare: forTries,
      members: { a: counted("exit 3") },
      onRunning: async (pod) => {
        await until(
          () =>
            existsSync(pod.shared("skein/journal/a.jsonl")) && journalOf(pod, "a").includes('"process.end"'),
        );
        pod.containers.a?.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { a: 3 } },
    check: (end) => expect(tries(end)).toBe(1),
  },
  {
    section: "7",
    statement: "a deadline that passes during the attempts is the end of them",
    pitfall: 40,
    pod: () => ({
      template: set([{ name: "a" }], { retryStrategy: { retries: 50, duration: "4s" } }),
      env: { ARGO_DEADLINE: deadlineIn(15_000) },
      controller: false,
      prepare: forTries,
      members: { a: counted("exit 3") },
    }),
    expect: { exitCodes: { a: 3 }, messages: { wait: "Step exceeded its deadline" } },
    check: (end) => expect(tries(end)).toBeLessThan(10),
  },
  {
    section: "7.3",
    statement:
      "a signal reaches the attempt that runs, whichever it is, and every one of several signals arrives",
    pitfall: 4,
    pod: {
      template: set([{ name: "a" }], { retryStrategy: { retries: 4 } }),
      controller: false,
      prepare: forTries,
      members: {
        a: [
          "sh",
          "-c",
          "echo x >>/var/run/argo/tries; test $(wc -l </var/run/argo/tries) = 4 || exit 3; " +
            "trap 'echo 1 >>/var/run/argo/heard' USR1; trap 'echo 2 >>/var/run/argo/heard' USR2; " +
            "trap 'echo c >>/var/run/argo/heard' HUP; touch /var/run/argo/up; " +
            'while test "$(cat /var/run/argo/heard 2>/dev/null | sort -u | wc -l)" != 3; do sleep 0.02; done; exit 0',
        ],
      },
      onRunning: async (pod) => {
        await appears(pod, "up");
        for (const signal of ["SIGUSR1", "SIGUSR2", "SIGHUP"] as const) pod.containers.a?.kill(signal);
      },
    },
    check: (end) =>
      expect(new Set(sharedText(end, "heard").trim().split("\n"))).toEqual(new Set(["1", "2", "c"])),
  },
  {
    section: "7.1",
    statement: "what several attempts print is captured one after the other",
    pod: (cluster) => ({
      template: {
        ...set([{ name: "main" }], { retryStrategy: { retries: 3 } }),
        archiveLocation: cluster.repository("attempts", { archiveLogs: true }),
      },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      prepare: forTries,
      members: { main: counted('n=$(wc -l </var/run/argo/tries); echo "try $n"; test $n = 3') },
    }),
    expect: { objects: { "attempts/main.log": "try 1\ntry 2\ntry 3\n" } },
    check: ({ result }) => expect(result?.outputs?.result).toBe("try 1\ntry 2\ntry 3"),
  },
  {
    section: "7",
    statement: "outputs are those that the last attempt left",
    pod: {
      template: {
        ...set([{ name: "main" }], { retryStrategy: { retries: 3 } }),
        outputs: { parameters: [parameter("p", "/tmp/p")] },
      },
      prepare: forTries,
      members: { main: counted("n=$(wc -l </var/run/argo/tries); echo $n >/tmp/p; test $n = 2") },
    },
    expect: { outputs: { parameters: [{ ...parameter("p", "/tmp/p"), value: "2" }] } },
  },
];

const journalOf = (pod: PodFilesystem, name: string): string =>
  readFileSync(pod.shared(`skein/journal/${name}.jsonl`), "utf8");

const results: ConformanceCase[] = [
  {
    section: "10.2",
    statement: "of a set with a member called main, that member's stdout is the result",
    pod: {
      template: set([{ name: "a" }, { name: "main", dependencies: ["a"] }]),
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      members: { a: sh("echo not this"), main: sh("echo this") },
    },
    expect: { outputs: { result: "this" } },
  },
  {
    section: "10.2",
    statement: "of a set without one no result is captured, which is no error",
    pod: {
      template: set([{ name: "a" }]),
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      members: { a: sh("echo x") },
    },
    expect: { logs: { wait: [/No output capability/] } },
    check: ({ result }) => expect(result?.outputs ?? {}).toEqual({}),
  },
  {
    section: "11.6",
    statement: "a member that never ran for its dependency's sake has no log; the others' are archived",
    pod: (cluster) => ({
      template: {
        ...set([{ name: "a" }, { name: "b", dependencies: ["a"] }]),
        archiveLocation: cluster.repository("unrun", { archiveLogs: true }),
      },
      controller: false,
      members: { a: sh("echo log; exit 2"), b: ["true"] },
    }),
    expect: {
      exitCodes: { a: 2, b: 64 },
      messages: { b: /dependency "a"/ },
      objects: { "unrun/a.log": "log\n", "unrun/b.log": null },
      logs: { wait: [/no logs to save: container produced no output/] },
      outputs: { artifacts: [{ name: "a-logs", s3: { key: "unrun/a.log" } }] },
    },
  },
  {
    section: "8.3",
    statement: "a member whose container is killed does not keep the report of the others' logs",
    pod: (cluster) => ({
      template: {
        ...set([{ name: "a" }, { name: "b" }]),
        archiveLocation: cluster.repository("killed-member", { archiveLogs: true }),
      },
      controller: false,
      members: { a: sh("echo log of a; touch /var/run/argo/up; sleep 600"), b: sh("echo log of b") },
      onRunning: async (pod) => {
        await appears(pod, "up");
        await until(
          () => existsSync(pod.shared("ctr/a/combined")) && sharedText(pod, "ctr/a/combined") !== "",
        );
        pod.containers.a?.kill("SIGKILL");
      },
    }),
    expect: {
      exitCodes: { a: 137 },
      objects: { "killed-member/a.log": "log of a\n", "killed-member/b.log": "log of b\n" },
    },
  },
  {
    section: "5.1",
    statement: "artifacts of a set without a member called main are missing, and that is said",
    pod: (cluster) => ({
      template: {
        ...set([{ name: "a" }]),
        outputs: { artifacts: [output("o", "/tmp/o"), output("q", "/tmp/q", { optional: true })] },
        archiveLocation: cluster.repository("nobody"),
      },
      members: { a: sh("echo x >/tmp/o") },
    }),
    expect: { exitCodes: { wait: 64 }, messages: { wait: /^artifact o failed to save: .*no such file/ } },
  },
];

conformance("members of a containerSet", [...dependencies, ...retries, ...results]);
