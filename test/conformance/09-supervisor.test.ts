import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import type { PodFilesystem, PodRequest } from "../support/pods/pod-request.ts";
import { appears, raw, SAYS, said, sh, sharedText } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const initless = <Request extends Omit<PodRequest, "layout">>(pod: Request) => ({
  ...pod,
  layout: "initless" as const,
});
const RESULT = { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" };
const FOREVER = "while :; do sleep 0.05; done";

/** A pod whose supervisor never starts, with a status that somebody left. */
const deserted = (
  statement: string,
  status: { text: string; ageSeconds: number } | undefined,
  message: string,
): ConformanceCase => ({
  section: "9.4",
  statement,
  pod: initless({
    template: { container: {} },
    absent: ["supervisor"],
    argv: sh("touch /var/run/argo/ran"),
    prepare: (pod) => {
      if (!status) return;
      writeFileSync(pod.shared("status"), status.text);
      const then = Date.now() / 1000 - status.ageSeconds;
      utimesSync(pod.shared("status"), then, then);
    },
  }),
  expect: { exitCodes: { main: 65 }, messages: { main: message } },
  check: (end) => {
    expect(existsSync(end.shared("ran"))).toBe(false);
    expect(sharedText(end, "ctr/main/exitcode")).toBe("65");
  },
});

const marker: ConformanceCase[] = [
  deserted(
    "a supervisor that shows no sign of life for 30 s is presumed dead",
    undefined,
    "supervisor presumed dead: status marker never appeared within 30s",
  ),
  deserted(
    "a status that is older than 30 s, and not the last word, is that of a dead supervisor",
    { text: "RUNNING\n", ageSeconds: 40 },
    "supervisor presumed dead: no status update within 30s",
  ),
  deserted(
    "a status that nobody knows is no sign of life either",
    { text: "THINKING\n", ageSeconds: 40 },
    "supervisor presumed dead: no status update within 30s",
  ),
  deserted(
    "a status that is old and says FAILED is believed, with its text",
    { text: "FAILED\nno such\nthing\n", ageSeconds: 400 },
    "supervisor reported pre-main failure: no such\nthing",
  ),
  {
    section: "9.2",
    statement: "the status is for everybody to read, and nothing is left of how it was written",
    pod: initless({ template: { container: {} } }),
    check: (end) => {
      expect(statSync(end.shared("status")).mode & 0o777).toBe(0o644);
      expect(readdirSync(end.shared(".")).filter((name) => name.startsWith("status"))).toEqual(["status"]);
    },
  },
  {
    section: "9.3",
    statement: "a command of the user's that ends with 65 is a failure like any other",
    pod: initless({ template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p; exit 65") }),
    expect: { exitCodes: { main: 65 }, outputs: said("v") },
  },
];

const links: ConformanceCase[] = [
  {
    section: "9.5",
    statement: "an input that is a directory at the working directory is what the command finds there",
    pod: (cluster) => {
      cluster.putObject("cwd/f", "found");
      return initless({
        template: {
          container: {},
          ...SAYS,
          inputs: { artifacts: [{ name: "a", path: "/tmp/w", ...cluster.repository("cwd") }] },
        },
        volumes: ["/tmp"],
        workingDirectory: "/tmp/w",
        prepare: (pod) => mkdirSync(join(pod.volume("/tmp"), "w"), { mode: 0o777 }),
        argv: sh("cp f /tmp/p"),
      });
    },
    expect: { outputs: said("found") },
  },
  {
    section: "9.5",
    statement:
      "an input that is a file at the working directory is main's error; no output is missed in its place",
    pod: initless({
      template: {
        container: {},

        ...SAYS,
        inputs: { artifacts: [raw("a", "/tmp/w", "x")] },
      },
      volumes: ["/tmp"],
      workingDirectory: "/tmp/w",
      prepare: (pod) => mkdirSync(join(pod.volume("/tmp"), "w")),
      argv: ["true"],
    }),
    expect: {
      exitCodes: { main: 65 },
      messages: { main: /working directory \/tmp\/w again: the artifact at that path must be a directory/ },
    },
  },
  {
    section: "9.5",
    statement: "inputs are linked in main alone, not in other members of a set",
    rootOnly: "in a locked pod the members share the volume at /tmp, and with it the link",
    pod: initless({
      template: {
        containerSet: { containers: [{ name: "b" }, { name: "main" }] },
        inputs: { artifacts: [raw("a", "/opt/a", "x")] },
      },
      members: { b: sh("test ! -e /opt/a"), main: sh("test -e /opt/a") },
    }),
  },
  {
    section: "9.5",
    statement: "an input is main's to change, as in a pod with an init container",
    pod: initless({
      template: { container: {}, ...SAYS, inputs: { artifacts: [raw("a", "/tmp/a", "x")] } },
      argv: sh("printf y >>/tmp/a; cp /tmp/a /tmp/p"),
    }),
    expect: { outputs: said("xy") },
  },
];

const endings: ConformanceCase[] = [
  {
    section: "9.1",
    statement: "result, parameters, progress and logs are reported as in a pod with an init container",
    pod: (cluster) =>
      initless({
        template: {
          container: {},
          ...SAYS,
          archiveLocation: cluster.repository("all", { archiveLogs: true }),
        },
        env: RESULT,
        argv: sh("echo v >/tmp/p; echo out; echo 1/2 >$ARGO_PROGRESS_FILE; exit 3"),
      }),
    expect: {
      exitCodes: { main: 3 },
      outputs: {
        ...said("v"),
        result: "out",
        artifacts: [{ name: "main-logs", s3: { key: "all/main.log" } }],
      },
      objects: { "all/main.log": "out\n" },
    },
    check: ({ result }) => expect(result?.progress).toBe("1/2"),
  },
  {
    section: "9.1",
    statement: "when the loading failed, the log that main never wrote is a warning and no error",
    pod: (cluster) =>
      initless({
        template: {
          container: {},
          ...SAYS,
          inputs: { artifacts: [{ name: "a", path: "/tmp/a" }] },
          archiveLocation: cluster.repository("unloaded", { archiveLogs: true }),
        },
      }),
    expect: {
      exitCodes: { supervisor: 64, main: 65 },
      messages: {
        supervisor: /required artifact 'a' not supplied/,
        main: /required artifact 'a' not supplied/,
      },
      objects: { "unloaded/main.log": null },
      logs: { supervisor: [/no logs to save: container produced no output/] },
    },
  },
  {
    section: "8.4",
    statement: "a deadline ends main of an init-less pod, and its outputs are saved",
    pod: () =>
      initless({
        template: { container: {}, ...SAYS },
        env: { ARGO_DEADLINE: new Date(Date.now() + 15_000).toISOString() },
        argv: sh(`trap 'echo stopped >/tmp/p; exit 1' TERM; ${FOREVER}`),
      }),
    expect: {
      exitCodes: { main: 1 },
      messages: { supervisor: "Step exceeded its deadline" },
      outputs: said("stopped"),
    },
  },
  {
    section: "8.3",
    statement: "main of an init-less pod that is killed with its wrapper is noticed",
    pod: initless({
      template: { container: {} },
      controller: false,
      argv: sh("touch /var/run/argo/up; sleep 600"),
      onRunning: async (running) => {
        await appears(running, "up");
        running.main.kill("SIGKILL");
      },
    }),
    expect: { exitCodes: { main: 137 } },
  },
  {
    section: "9.4",
    statement: "members of a set and sidecars that wait for a supervisor that fails end with 65, too",
    pod: initless({
      template: {
        containerSet: { containers: [{ name: "a" }, { name: "b", dependencies: ["a"] }] },
        inputs: { artifacts: [{ name: "x", path: "/tmp/x" }] },
      },
      controller: false,
      members: { a: ["true"], b: ["true"] },
      sidecars: { side: ["true"] },
    }),
    expect: {
      exitCodes: { supervisor: 64, a: 65, b: 65, side: 65 },
      messages: Object.fromEntries(
        ["supervisor", "a", "b", "side"].map((name) => [name, /required artifact 'x' not supplied/]),
      ),
    },
  },
  {
    section: "5.7",
    statement: "a supervisor reads an offloaded template, and hands it on to main as a file",
    pod: initless({
      template: { container: {} },
      templateText: "offloaded",
      config: { ARGO_TEMPLATE: JSON.stringify({ container: {}, ...SAYS }) },
      argv: sh("echo v >/tmp/p"),
    }),
    expect: { outputs: said("v") },
    check: (end: PodFilesystem) =>
      expect(JSON.parse(sharedText(end, "template"))).toEqual({ container: {}, ...SAYS }),
  },
];

conformance("init-less pods, odd ones", [...marker, ...links, ...endings]);
