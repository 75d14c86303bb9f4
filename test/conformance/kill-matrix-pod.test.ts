import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import { childOf } from "../support/pods/inside.ts";
import type { PodFilesystem } from "../support/pods/pod-request.ts";
import { journal } from "./support/blows.ts";
import { appears, SAYS, said, sh, sharedText, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const FOREVER = "while :; do sleep 0.05; done";
const GRACE = { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" };
const soon = (ms: number): string => new Date(Date.now() + ms).toISOString();
const has = (pod: PodFilesystem, path: string): boolean => existsSync(pod.shared(path));
const capturedSome = (pod: PodFilesystem, name = "main") =>
  until(() => has(pod, `ctr/${name}/combined`) && sharedText(pod, `ctr/${name}/combined`).length > 0);

const captured: ConformanceCase[] = [
  {
    section: "8.3",
    statement: "SIGKILL of main and its wrapper: what it had printed is archived",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("struck/oom", { archiveLogs: true }) },
      controller: false,
      argv: sh("echo before; sleep 600"),
      onRunning: async (pod) => {
        await capturedSome(pod);
        pod.main.kill("SIGKILL");
      },
    }),
    expect: { exitCodes: { main: 137 }, objects: { "struck/oom/main.log": "before\n" } },
  },
  {
    section: "7.1",
    statement: "SIGKILL of the user's process while it prints: every whole line it printed is archived",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("struck/loud", { archiveLogs: true }) },
      controller: false,
      argv: sh("i=0; while :; do i=$((i+1)); echo line $i; done"),
      onRunning: async (pod) => {
        await capturedSome(pod);
        process.kill(childOf(pod.main) ?? -1, "SIGKILL");
      },
    }),
    expect: { exitCodes: { main: 137 } },
    check: (_end, cluster) => {
      const lines = cluster.object("struck/loud/main.log")?.toString().split("\n") ?? [];
      expect(lines.pop()).toBe("");
      expect(lines.every((line, index) => line === `line ${index + 1}`)).toBe(true);
      expect(lines.length).toBeGreaterThan(0);
    },
  },
  {
    section: "10.2",
    statement: "SIGTERM to main: what it prints in answer is part of its result and its log",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("struck/last", { archiveLogs: true }) },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      controller: false,
      // No child of the shell's own is there to be told, and to be told of.
      argv: sh("trap 'echo last words; exit 0' TERM; echo first; while :; do :; done"),
      onRunning: async (pod) => {
        await capturedSome(pod);
        pod.main.kill("SIGTERM");
      },
    }),
    expect: { objects: { "struck/last/main.log": "first\nlast words\n" } },
    check: ({ result }) => expect(result?.outputs?.result).toBe("first\nlast words"),
  },
];

const members = { a: sh(`touch /var/run/argo/up; ${FOREVER}`), b: sh("touch /var/run/argo/ran") };
const setOf = (more: object = {}) => ({
  containerSet: { containers: [{ name: "a" }, { name: "b", dependencies: ["a"] }], ...more },
});

const sets: ConformanceCase[] = [
  {
    section: "8.1",
    statement:
      "SIGTERM to every container of a set, as when a pod is deleted: each ends, and the report is complete",
    pod: {
      template: setOf(),
      controller: false,
      env: GRACE,
      members,
      onRunning: async (pod) => {
        await appears(pod, "up");
        await appears(pod, "skein/journal/b.jsonl");
        // First the one that another waits for, which must not take that for a failure.
        pod.containers.a?.kill("SIGTERM");
        await pod.containers.a?.exitCode;
        for (const container of Object.values(pod.containers)) container.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { a: 143, b: 143 } },
    check: (end) => expect(has(end, "ran")).toBe(false),
  },
  {
    section: "8.3",
    statement: "SIGKILL of every member of a set is noticed, and the report completed",
    pod: {
      template: setOf(),
      controller: false,
      members,
      onRunning: async (pod) => {
        await appears(pod, "up");
        await appears(pod, "skein/journal/b.jsonl");
        // First the one that waits, which would else see the other's end.
        pod.containers.b?.kill("SIGKILL");
        await pod.containers.b?.exitCode;
        pod.containers.a?.kill("SIGKILL");
      },
    },
    expect: { exitCodes: { a: 137, b: 137 } },
    check: (end) => {
      for (const name of ["a", "b"]) expect(has(end, `ctr/${name}/exitcode`), name).toBe(false);
    },
  },
  {
    section: "8.3",
    statement: "SIGKILL of a member that waits for a dependency leaves the others alone",
    pod: {
      template: {
        containerSet: { containers: [{ name: "a" }, { name: "b", dependencies: ["a"] }, { name: "c" }] },
      },
      controller: false,
      members: { a: sh("while ! test -e /var/run/argo/go; do sleep 0.02; done"), b: ["true"], c: ["true"] },
      onRunning: async (pod) => {
        await until(() => journal(pod, "b").includes('"start"'));
        pod.containers.b?.kill("SIGKILL");
        writeFileSync(pod.shared("go"), "");
      },
    },
    expect: { exitCodes: { b: 137 } },
  },
];

const side = (script: string) => ({ side: sh(script) });
const sidecars: ConformanceCase[] = [
  {
    section: "7.3",
    statement: "SIGKILL of a sidecar and its wrapper changes nothing for main",
    pod: {
      template: { container: {}, ...SAYS },
      controller: false,
      argv: sh("while ! test -e /var/run/argo/go; do sleep 0.02; done; echo v >/tmp/p"),
      sidecars: side("touch /var/run/argo/up; sleep 600"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        pod.containers.side?.kill("SIGKILL");
        await pod.containers.side?.exitCode;
        writeFileSync(pod.shared("go"), "");
      },
    },
    expect: { exitCodes: { side: 137 }, outputs: said("v") },
  },
  {
    section: "7.3",
    statement: "SIGKILL of main and its wrapper: the sidecar ends by itself, without any controller",
    pod: {
      template: { container: {} },
      controller: false,
      argv: sh("touch /var/run/argo/up; sleep 600"),
      sidecars: side("touch /var/run/argo/side-up; sleep 600"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        await appears(pod, "side-up");
        pod.main.kill("SIGKILL");
      },
    },
    expect: { exitCodes: { main: 137, side: 143 } },
  },
  {
    section: "8.4",
    statement: "a deadline ends the sidecar after main, and one that is deaf after the grace period",
    pod: () => ({
      template: { container: {} },
      env: { ...GRACE, ARGO_DEADLINE: soon(15_000) },
      controller: false,
      argv: sh(FOREVER),
      sidecars: { side: sh("sleep 600"), deaf: sh(`trap '' TERM; ${FOREVER}`) },
    }),
    expect: {
      exitCodes: { main: 143, side: 143, deaf: 137 },
      messages: { wait: "Step exceeded its deadline" },
    },
  },
  {
    section: "8.1",
    statement: "SIGTERM to every container at once, sidecars included, loses nothing of main's",
    pod: {
      template: { container: {}, ...SAYS },
      env: GRACE,
      controller: false,
      argv: sh(`trap 'echo late >/tmp/p; exit 0' TERM; touch /var/run/argo/up; ${FOREVER}`),
      sidecars: side("touch /var/run/argo/side-up; sleep 600"),
      onRunning: async (pod) => {
        await appears(pod, "up");
        await appears(pod, "side-up");
        for (const container of Object.values(pod.containers)) container.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { side: 143 }, outputs: said("late") },
  },
];

const timing: ConformanceCase[] = [
  {
    section: "20.1",
    statement: "a sidecar that was ended after main is no failure in the trace; one that failed is",
    pod: {
      template: { container: {} },
      controller: false,
      argv: sh("until test -e /var/run/argo/ctr/broken/exitcode; do sleep 0.02; done"),
      sidecars: { ended: sh("sleep 600"), broken: sh("exit 5") },
    },
    expect: { exitCodes: { ended: 143, broken: 5 } },
    check: ({ spans }) => {
      const statusOf = (container: string) =>
        spans.find(
          ({ name, attributes }) =>
            name === "runMainContainer" && JSON.stringify(attributes).includes(`"${container}"`),
        )?.status;
      expect(statusOf("ended")).toEqual({ code: 0 });
      expect(statusOf("broken")).toMatchObject({ message: "exit code 5" });
    },
  },
  {
    section: "8.4",
    statement: "a deadline that has passed before main begins ends it all the same",
    pod: {
      template: { container: {} },
      env: { ARGO_DEADLINE: "2001-01-01T00:00:00Z" },
      controller: false,
      argv: sh(FOREVER),
    },
    expect: { exitCodes: { main: 143 }, messages: { wait: "Step exceeded its deadline" } },
  },
  {
    section: "7.3",
    statement: "a signal that lies in wait in main's file before its wrapper begins is heard",
    pod: {
      template: { container: {} },
      controller: false,
      prepare: (pod) => {
        mkdirSync(pod.shared("ctr/main"), { recursive: true });
        chmodSync(pod.shared("ctr"), 0o777);
        chmodSync(pod.shared("ctr/main"), 0o777);
        writeFileSync(pod.shared("ctr/main/signal"), "15");
        chmodSync(pod.shared("ctr/main/signal"), 0o666);
      },
      argv: sh(FOREVER),
    },
    expect: { exitCodes: { main: 143 } },
    check: (end) => expect(has(end, "ctr/main/signal")).toBe(false),
  },
  {
    section: "7.3",
    statement: "a storm of signals ends main once, with the code it chose",
    pod: {
      template: { container: {} },
      controller: false,
      argv: ["sh", "-c", `trap ':' USR1 HUP; trap 'exit 9' TERM; touch /var/run/argo/up; ${FOREVER}`],
      onRunning: async (pod) => {
        await appears(pod, "up");
        for (let n = 0; n < 100; n++) {
          pod.main.kill("SIGUSR1");
          pod.main.kill("SIGHUP");
        }
        pod.main.kill("SIGTERM");
      },
    },
    expect: { exitCodes: { main: 9 } },
    check: (end) => expect(sharedText(end, "ctr/main/exitcode")).toBe("9"),
  },
  {
    section: "8.3",
    statement: "main that has ended before wait begins is seen at once",
    pod: {
      template: { container: {}, ...SAYS },
      controller: false,
      argv: sh("echo v >/tmp/p"),
      // Started first, it is held until main has ended.
      onStart: (name, container, pod) => {
        if (name !== "wait") return;
        container.kill("SIGSTOP");
        void appears(pod, "ctr/main/exitcode").then(() => container.kill("SIGCONT"));
      },
    },
    expect: { outputs: said("v") },
  },
];

conformance("struck: members of a set, sidecars, and odd moments", [
  ...captured,
  ...sets,
  ...sidecars,
  ...timing,
]);
