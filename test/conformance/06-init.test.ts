import { readFileSync, statSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { PodEnd, PodRequest } from "../support/pods/pod-request.ts";
import { raw, SAYS, said, sh, sharedText } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const initOf = (template: object, more: Partial<PodRequest> = {}): PodRequest => ({
  template: { container: {}, ...template },
  absent: ["wait", "main"],
  ...more,
});
const permissions = (end: PodEnd, path: string): string =>
  (statSync(end.shared(path)).mode & 0o777).toString(8);
const fails = (message: string | RegExp, code = 64) => ({
  exitCodes: { init: code },
  messages: { init: message },
});

const ODD_SCRIPT = "#!/bin/sh\necho \"$HOME\" 'q' \\\\ \t žluť\n\n";

const files: ConformanceCase[] = [
  {
    section: "4",
    statement: "the executor is copied to the shared volume whole, for everybody to run and nobody to change",
    pod: initOf({}),
    check: (end, cluster) => {
      expect(permissions(end, "argoexec")).toBe("555");
      const original = readFileSync(`${cluster.executor}/bin/argoexec`);
      expect(readFileSync(end.shared("argoexec")).equals(original)).toBe(true);
    },
  },
  {
    section: "4",
    statement: "init that runs again leaves the executor as it should be, whatever was there",
    pitfall: 33,
    pod: initOf(
      {},
      {
        prepare: (pod) =>
          writeFileSync(pod.shared("argoexec"), Buffer.alloc(10_000_000, "x"), { mode: 0o444 }),
      },
    ),
    check: (end, cluster) =>
      expect(statSync(end.shared("argoexec")).size).toBe(statSync(`${cluster.executor}/bin/argoexec`).size),
  },
  {
    section: "4",
    statement: "the template is written for everybody to read and nobody to change",
    pod: initOf({ name: "t" }),
    check: (end) => {
      expect(permissions(end, "template")).toBe("444");
      expect(JSON.parse(sharedText(end, "template"))).toMatchObject({ name: "t", container: {} });
    },
  },
  {
    section: "5",
    statement: "fields of a template that the executor does not know are kept",
    pod: initOf({
      futureField: { a: [1, "2"] },
      container: { image: "i", resources: { limits: { cpu: 1 } } },
    }),
    check: (end) =>
      expect(JSON.parse(sharedText(end, "template"))).toMatchObject({
        futureField: { a: [1, "2"] },
        container: { image: "i", resources: { limits: { cpu: 1 } } },
      }),
  },
  {
    section: "5.7",
    statement: "a template that says it is offloaded is read from the pod's config map",
    pod: {
      template: { container: {}, ...SAYS },
      templateText: "offloaded",
      config: { ARGO_TEMPLATE: JSON.stringify({ container: {}, ...SAYS }) },
      argv: sh("echo v >/tmp/p"),
    },
    expect: { outputs: said("v") },
  },
  {
    section: "5.7",
    statement: "an offloaded template whose file is missing ends init with 2, and the text names the file",
    pod: initOf({}, { templateText: "offloaded" }),
    expect: fails(/\/argo\/config\/ARGO_TEMPLATE/, 2),
  },
  {
    section: "6",
    statement: "a template that is no JSON ends init with 2, and the text says where it came from",
    pod: initOf({}, { templateText: '{"name": ' }),
    expect: fails(/^template in the environment variable ARGO_TEMPLATE is not JSON/, 2),
  },
  {
    section: "6",
    statement: "a script is staged as its author wrote it, executable",
    pod: {
      template: { script: { source: ODD_SCRIPT } },
      argv: sh("test -x /argo/staging/script; cat /argo/staging/script"),
    },
    check: ({ main }) => expect(main?.log).toContain(ODD_SCRIPT),
  },
  {
    section: "6",
    statement: "a script of a hundred kilobytes is staged whole",
    pod: {
      template: { script: { source: `# ${"x".repeat(100_000)}\n` } },
      argv: sh("test $(wc -c </argo/staging/script) = 100003"),
    },
  },
  {
    section: "6",
    statement: "a template without a script leaves nothing in the staging volume",
    pod: { template: { container: {} }, argv: sh("! test -e /argo/staging/script") },
  },
  {
    section: "6",
    statement: "init makes no task result",
    pod: initOf({}),
    check: ({ requests, result }) => expect([requests, result]).toEqual([[], undefined]),
  },
  {
    section: "6",
    statement: "without inputs, outputs or anything else a pod succeeds",
    pod: { template: { container: {} } },
  },
];

const surroundings: ConformanceCase[] = [
  {
    section: "3.1",
    statement: "without ARGO_POD_NAME init ends with 1 and says what is missing",
    pod: initOf({}, { env: { ARGO_POD_NAME: undefined } }),
    expect: fails(/ARGO_POD_NAME/, 1),
  },
  ...(
    [
      ["a missing ARGO_DEADLINE", undefined],
      ["an ARGO_DEADLINE that is no time", "tomorrow"],
    ] as const
  ).map(
    ([what, value]): ConformanceCase => ({
      section: "3.1",
      statement: `${what} ends init with 2 and a text that names it`,
      pod: initOf({}, { env: { ARGO_DEADLINE: value } }),
      expect: fails(/ARGO_DEADLINE/, 2),
    }),
  ),
  ...["EXECUTOR_RETRY_BACKOFF_STEPS", "EXECUTOR_RETRY_BACKOFF_DURATION", "RETRY_BACKOFF_FACTOR"].map(
    (name): ConformanceCase => ({
      section: "3.1",
      statement: `${name} that cannot be read ends init with 2 and a text that names it`,
      pod: initOf({}, { env: { [name]: "many" } }),
      expect: fails(new RegExp(name), 2),
    }),
  ),
  ...["EXECUTOR_RETRY_BACKOFF_STEPS", "EXECUTOR_RETRY_BACKOFF_DURATION"].map(
    (name): ConformanceCase => ({
      section: "3.1",
      statement: `an empty ${name} is its default`,
      pod: initOf({}, { env: { [name]: "" } }),
    }),
  ),
  ...(["ARTIFACT_S3_UPLOAD_THREADS", "ARTIFACT_S3_UPLOAD_PART_SIZE_MIB"] as const).map(
    (name): ConformanceCase => ({
      section: "3.1",
      statement: `${name} out of its range is its default`,
      pod: initOf({}, { env: { [name]: "-3" } }),
    }),
  ),
  {
    section: "3.1",
    statement: "a variable of Skein's own that cannot be read ends init with 1 and a text that quotes it",
    pod: initOf(
      { inputs: { artifacts: [raw("a", "/tmp/a", "x")] } },
      { env: { SKEIN_TRANSFER_REQUESTS: "lots" } },
    ),
    expect: fails(/SKEIN_TRANSFER_REQUESTS must be a whole number above 0, got "lots"/, 1),
  },
  {
    section: "3.2",
    statement: "doubled and empty log flags, as some controllers pass them, are accepted",
    pod: initOf(
      {},
      {
        logFlags: ["--loglevel", "info", "--loglevel", "debug", "--gloglevel", "", "--log-format", "json"],
      },
    ),
  },
  {
    section: "1.9",
    statement: "without log flags a pod runs as with them",
    pod: { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p"), logFlags: [] },
    expect: { outputs: said("v") },
  },
  {
    section: "1.9",
    statement: "without a trace from the controller a pod runs, and its spans hang together",
    pod: {
      template: { container: {} },
      env: { TRACEPARENT: undefined, TRACESTATE: undefined },
    },
    check: ({ spans }) => {
      expect(spans.map(({ name }) => name)).toEqual(
        expect.arrayContaining(["runInitContainer", "runMainContainer", "runWaitContainer"]),
      );
      expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1);
    },
  },
  {
    section: "1.9",
    statement: "wait and main find the template in the file when the variable is absent, as from v3.6 on",
    pod: { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p") },
    expect: { outputs: said("v") },
  },
  {
    section: "1.9",
    statement: "wait and main that carry the template in their variable, as before v3.6, run the same",
    pod: {
      template: { container: {}, ...SAYS },
      env: { ARGO_TEMPLATE: JSON.stringify({ container: {}, ...SAYS }) },
      argv: sh("echo v >/tmp/p"),
    },
    expect: { outputs: said("v") },
  },
];

conformance("init and the surroundings", [...files, ...surroundings]);
