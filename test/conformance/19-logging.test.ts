import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { raw, SAYS, sh } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const USER_LINES = ["out", "err", '{"level":"INFO","msg":"mine"}'];

/** Loads, saves, reports and archives a little of everything, and says something of its own. */
const busy = (cluster: Cluster, key: string): PodRequest => ({
  template: {
    container: {},
    inputs: { artifacts: [raw("r", "/tmp/r", "hello")] },
    outputs: { ...SAYS.outputs, artifacts: [{ name: "o", path: "/tmp/o" }] },
    archiveLocation: { archiveLogs: true, ...cluster.repository(key) },
  },
  argv: sh(`echo out; echo err >&2; echo '{"level":"INFO","msg":"mine"}'; echo v >/tmp/p; echo o >/tmp/o`),
});

const flags = (level: string, format: string) => ["--loglevel", level, "--log-format", format];

function linesOf({ ends }: PodEnd): { container: string; line: string }[] {
  return Object.entries(ends).flatMap(([container, { log }]) =>
    log
      .split("\n")
      .filter((line) => line !== "" && !USER_LINES.includes(line))
      .map((line) => ({ container, line })),
  );
}

const eachLine = (statement: string, format: string, check: (line: string) => void): ConformanceCase => ({
  section: "19",
  statement,
  pod: (cluster) => ({ ...busy(cluster, "logging"), logFlags: flags("debug", format) }),
  check: (end) => {
    const lines = linesOf(end);
    expect(new Set(lines.map(({ container }) => container))).toEqual(new Set(["init", "main", "wait"]));
    for (const { line } of lines) check(line);
  },
});

type Record = { [field: string]: unknown };
const records = (log: string): Record[] =>
  log
    .split("\n")
    .filter((line) => line.startsWith('{"time"'))
    .map((line) => JSON.parse(line) as Record);

const logging: ConformanceCase[] = [
  eachLine(
    "a line of the text format begins with time, level and message, and ends with argo=true",
    "text",
    (line) =>
      expect(line).toMatch(
        /^time=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d) level=(DEBUG|INFO|WARN|ERROR) msg=.* argo=true$/,
      ),
  ),
  eachLine("a line of the JSON format is one object with time, level, msg and argo", "json", (line) => {
    const record = JSON.parse(line) as Record;
    expect(record).toMatchObject({ msg: expect.any(String), argo: true });
    expect(record.level).toMatch(/^(DEBUG|INFO|WARN|ERROR)$/);
    expect(new Date(String(record.time)).getTime()).toBeGreaterThan(0);
  }),
  {
    section: "19",
    statement: "durations are Go's in text and nanoseconds in JSON",
    run: async (cluster) => {
      const text = await runPod(cluster, { ...busy(cluster, "d1"), logFlags: flags("info", "text") });
      expect(text.init.log).toMatch(/msg="Using executor retry strategy" Steps=5 Duration=1s /);
      const json = await runPod(cluster, { ...busy(cluster, "d2"), logFlags: flags("info", "json") });
      const strategy = records(json.init.log).find(({ msg }) => msg === "Using executor retry strategy");
      expect(strategy).toMatchObject({ Steps: 5, Duration: 1_000_000_000, Factor: 1.6, Jitter: 0.5 });
    },
  },
  {
    section: "19",
    statement: "lines that always carry an error say null when there is none",
    pod: (cluster) => busy(cluster, "null"),
    check: ({ main }) =>
      expect(records(main?.log ?? "")).toContainEqual(
        expect.objectContaining({ msg: "sub-process exited", error: null }),
      ),
  },
  {
    section: "19",
    statement: "init says its version, its retry strategy and whose pod it is",
    pod: (cluster) => busy(cluster, "announce"),
    check: ({ init }) => {
      const said = records(init.log);
      expect(said).toContainEqual(
        expect.objectContaining({ msg: "Starting Workflow Executor", version: expect.any(String) }),
      );
      expect(said).toContainEqual(
        expect.objectContaining({
          msg: "Executor initialized",
          namespace: "argo",
          includeScriptOutput: false,
          deadline: "0001-01-01T00:00:00Z",
        }),
      );
    },
  },
  {
    section: "19",
    statement: "at level debug each request to the API server is a line with verb, kind and status",
    pod: (cluster) => busy(cluster, "requests"),
    check: ({ wait }) =>
      expect(
        records(wait?.log ?? "")
          .filter(({ msg }) => msg === "K8S request")
          .map(({ level, verb, kind, status }) => [level, verb, kind, status]),
      ).toEqual([
        ["DEBUG", "Create", "workflowtaskresults", 201],
        ["DEBUG", "Patch", "workflowtaskresults", 200],
        ["DEBUG", "Patch", "workflowtaskresults", 200],
      ]),
  },
  {
    section: "19",
    statement: "what the wrapper logs is not part of the archived log",
    pod: (cluster) => ({ ...busy(cluster, "mixed"), logFlags: flags("debug", "json") }),
    check: (_end, cluster) => {
      const archived = cluster.object("mixed/main.log")?.toString().trim().split("\n");
      expect(archived?.toSorted()).toEqual(USER_LINES.toSorted());
    },
  },
  {
    section: "19",
    statement: "at level error a pod that succeeds prints nothing but what its author does",
    pod: (cluster) => ({ ...busy(cluster, "quiet"), logFlags: flags("error", "text") }),
    check: (end) => expect(linesOf(end)).toEqual([]),
  },
  {
    section: "19",
    statement: "each artifact has one line with bytes, files, seconds, rate, and what bound it",
    pod: (cluster) => busy(cluster, "per-artifact"),
    check: ({ init, wait }) => {
      const story = (verb: string, name: string, more: object) =>
        expect.objectContaining({
          msg: expect.stringMatching(
            new RegExp(
              String.raw`^${verb} artifact ${name} (from|to) \w+: .* B, \d+ files?.*, [\d.]+ s, [\d.]+ MB/s, .+`,
            ),
          ),
          name,
          bytes: expect.any(Number),
          seconds: expect.any(Number),
          boundBy: expect.any(String),
          ...more,
        });
      expect(records(init.log)).toContainEqual(story("Loaded", "r", { bytes: 5, files: 1 }));
      expect(records(wait?.log ?? "")).toContainEqual(
        story("Saved", "o", { key: "per-artifact/o.tgz", files: 1 }),
      );
      expect(records(wait?.log ?? "")).toContainEqual(
        story("Saved", "main-logs", { key: "per-artifact/main.log" }),
      );
    },
  },
  {
    section: "19",
    statement: "template bodies and values of parameters are not logged",
    pod: {
      template: { container: {}, ...SAYS, inputs: { artifacts: [raw("r", "/tmp/r", "body-of-the-input")] } },
      argv: sh("echo value-of-the-output >/tmp/p"),
    },
    check: ({ ends }) => {
      for (const { log } of Object.values(ends))
        expect(log).not.toMatch(/body-of-the-input|value-of-the-output/);
    },
  },
];

conformance("logging", logging);
