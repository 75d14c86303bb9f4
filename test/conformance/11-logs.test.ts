import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd } from "../support/pods/pod-request.ts";
import { readTgz } from "./support/archives.ts";
import { output, sh, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";
import { ofOnePod } from "./support/one-pod.ts";

const LOGS = { archiveLogs: true };
const artifactsOf = ({ result }: PodEnd) => result?.outputs?.artifacts;
const NOT_CONFIGURED =
  "artifact storage is not configured; see the docs for setup instructions: https://argo-workflows.readthedocs.io/en/latest/configure-artifact-repository/";

const main: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: {},
      outputs: { artifacts: [output("o", "/tmp/o")] },
      archiveLocation: cluster.repository("logs//main/", LOGS),
    },
    argv: sh("echo out; echo error >&2; seq 1 50000; echo o >/tmp/o; exit 3"),
  }),
  { exitCodes: { main: 3 } },
  [
    {
      section: "11.6",
      statement:
        "the log of main is archived below the repository's key as main.log, whether main failed or not",
      check: (_end, cluster) => expect(cluster.object("logs/main/main.log")).toBeDefined(),
    },
    {
      section: "11.6",
      statement: "the log is what main wrote to stdout and stderr, as it is and not compressed",
      check: (_end, cluster) => {
        const numbers = Array.from({ length: 50_000 }, (_, index) => `${index + 1}\n`);
        const log = cluster.object("logs/main/main.log")?.toString() ?? "";
        // What goes to stderr may come in the middle of a line of stdout.
        expect(log.split("error\n").join("")).toBe(`out\n${numbers.join("")}`);
        expect(log.split("error\n")).toHaveLength(2);
      },
    },
    {
      section: "11.6",
      statement: "the log is reported after the outputs as main-logs, with its key and without a path",
      check: (end) =>
        expect(artifactsOf(end)).toEqual([
          { name: "o", path: "/tmp/o", s3: { key: "logs/main/o.tgz" } },
          { name: "main-logs", s3: { key: "logs/main/main.log" } },
        ]),
    },
    {
      section: "20.1",
      statement: "saving the logs has a span, with one below it for each container",
      check: ({ spans }) => {
        const all = spans.find(({ name }) => name === "saveLogs");
        const below = spans.filter(({ parentSpanId }) => parentSpanId === all?.spanId);
        expect(below.map(({ name }) => name)).toEqual(["saveContainerLogs"]);
      },
    },
  ],
);

const members = { a: sh("echo log of a"), b: sh("echo log of b"), idle: ["true"] };
const several: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      containerSet: { containers: [{ name: "a" }, { name: "b" }, { name: "idle" }] },
      archiveLocation: cluster.repository("logs/set", LOGS),
    },
    members,
    sidecars: { side: sh("echo log of the sidecar; sleep 600") },
  }),
  { exitCodes: { side: 143 } },
  [
    {
      section: "11.6",
      statement: "every member of a containerSet has its log, reported in the order of their declaration",
      check: (end, cluster) => {
        expect(artifactsOf(end)).toEqual(
          ["a", "b", "idle"].map((name) => ({ name: `${name}-logs`, s3: { key: `logs/set/${name}.log` } })),
        );
        expect(cluster.object("logs/set/a.log")?.toString()).toBe("log of a\n");
        expect(cluster.object("logs/set/b.log")?.toString()).toBe("log of b\n");
      },
    },
    {
      section: "11.6",
      statement: "a container that prints nothing has an empty log",
      check: (_end, cluster) => expect(cluster.object("logs/set/idle.log")?.length).toBe(0),
    },
    {
      section: "11.6",
      statement: "logs of sidecars, of init and of wait are not archived",
      check: (_end, cluster) =>
        expect(cluster.keys("logs/set")).toEqual(["logs/set/a.log", "logs/set/b.log", "logs/set/idle.log"]),
    },
  ],
);

const others: ConformanceCase[] = [
  {
    section: "11.6",
    statement: "a container that never started has no log: a warning, and no error",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("logs/absent", LOGS) },
      absent: ["main"],
      onRunning: async (running) => {
        await until(() => running.requests().length > 0);
        running.wait.kill("SIGTERM");
      },
    }),
    expect: {
      logs: { wait: [/"WARN","msg":"no logs to save: container produced no output"/] },
      objects: { "logs/absent/main.log": null },
    },
    check: (end) => expect(artifactsOf(end)).toBeUndefined(),
  },
  {
    section: "11.6",
    statement: "a command that is not found has no log: a warning, and no error of wait",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("logs/not-found", LOGS) },
      argv: ["no-such-command"],
    }),
    expect: {
      exitCodes: { main: 64 },
      messages: { main: /no-such-command/ },
      logs: { wait: [/"WARN","msg":"no logs to save: container produced no output"/] },
      objects: { "logs/not-found/main.log": null },
    },
  },
  {
    section: "11.6",
    statement: "without archiveLogs no log is archived",
    pod: (cluster) => ({
      template: { container: {}, archiveLocation: cluster.repository("logs/off", { archiveLogs: false }) },
      argv: sh("echo v"),
    }),
    expect: { objects: { "logs/off/main.log": null } },
    check: (end) => expect(artifactsOf(end)).toBeUndefined(),
  },
  {
    section: "11.6",
    statement: "logs that have nowhere to go fail wait with 64, once for all the containers",
    pod: {
      template: { container: {}, archiveLocation: LOGS },
      argv: sh("echo v"),
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: `artifact main-logs failed to save: ${NOT_CONFIGURED}` },
    },
  },
  {
    section: "11.6",
    statement: "a log that cannot be uploaded fails wait with 64, and the outputs are reported",
    pod: (cluster) => {
      const { s3 } = cluster.repository("logs/lost");
      return {
        template: {
          container: {},
          outputs: { artifacts: [output("o", "/tmp/o", { s3: cluster.repository("logs/kept").s3 })] },
          archiveLocation: { s3: { ...s3, bucket: "no-such-bucket" }, ...LOGS },
        },
        argv: sh("echo v >/tmp/o"),
      };
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /bucket does not exist/ } },
    check: (end, cluster) => {
      expect(artifactsOf(end)?.map(({ name }) => name)).toEqual(["o"]);
      expect(readTgz(cluster.object("logs/kept"))).toMatchObject([{ name: "o" }]);
    },
  },
  {
    section: "11.6",
    statement: "an init-less pod archives its logs, too",
    pod: (cluster) => ({
      layout: "initless",
      template: { container: {}, archiveLocation: cluster.repository("logs/initless", LOGS) },
      argv: sh("echo v"),
    }),
    expect: { objects: { "logs/initless/main.log": "v\n" } },
    check: (end) =>
      expect(artifactsOf(end)).toEqual([{ name: "main-logs", s3: { key: "logs/initless/main.log" } }]),
  },
];

/** A server that keeps what is put there, by path. */
async function startWebStore(): Promise<{ url: string; stored: Map<string, Buffer> }> {
  const stored = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(Buffer.from(chunk));
    if (request.method === "PUT") stored.set(request.url ?? "", Buffer.concat(chunks));
    response.writeHead(request.method === "PUT" ? 201 : 405).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  server.unref();
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stored };
}

const web = await startWebStore();
const profileOf = (cluster: Cluster): string => (cluster.securityContext ? "locked" : "root");

const overHttp: ConformanceCase[] = ofOnePod(
  (cluster) => ({
    template: {
      container: {},
      outputs: { artifacts: [output("o", "/tmp/o"), output("plain", "/tmp/p", { archive: { none: {} } })] },
      archiveLocation: { http: { url: `${web.url}/${profileOf(cluster)}` }, ...LOGS },
    },
    argv: sh("echo v | tee /tmp/o >/tmp/p; echo the log"),
  }),
  {},
  [
    {
      section: "11.4",
      statement: "outputs without a key go to a repository over http, below its path",
      pitfall: 41,
      check: (_end, cluster) => {
        expect(readTgz(web.stored.get(`/${profileOf(cluster)}/o.tgz`))).toMatchObject([{ name: "o" }]);
        expect(web.stored.get(`/${profileOf(cluster)}/p`)?.toString()).toBe("v\n");
      },
    },
    {
      section: "11.6",
      statement: "so do logs",
      pitfall: 41,
      check: (_end, cluster) =>
        expect(web.stored.get(`/${profileOf(cluster)}/main.log`)?.toString()).toBe("the log\n"),
    },
    {
      section: "11.4",
      statement: "what is reported of them is the path alone, as their url",
      check: (end, cluster) =>
        expect(artifactsOf(end)?.map(({ http }) => http)).toEqual(
          ["o.tgz", "p", "main.log"].map((name) => ({ url: `/${profileOf(cluster)}/${name}` })),
        ),
    },
  ],
);

const directory: ConformanceCase = {
  section: "11.5",
  statement: "a directory with strategy none cannot be saved over http, and the log says what to do",
  pod: {
    template: {
      container: {},
      outputs: {
        artifacts: [output("o", "/tmp/o", { archive: { none: {} }, http: { url: `${web.url}/tree` } })],
      },
    },
    argv: sh("mkdir /tmp/o; echo v >/tmp/o/f"),
  },
  expect: {
    exitCodes: { wait: 64 },
    messages: { wait: "artifact o failed to save: cannot save a directory to http file by file; " },
    logs: { wait: [/use the archive strategy tar or zip/] },
  },
};

conformance("archived logs, and a repository over http", [
  ...main,
  ...several,
  ...others,
  ...overHttp,
  directory,
]);
