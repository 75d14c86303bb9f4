import { expect } from "vitest";
import type { PodFilesystem } from "../support/pods/pod-request.ts";
import type { Fault, StoredResult } from "../support/task-result-api.ts";
import { isCompletion, isProgress, isReport } from "./support/blows.ts";
import { output, parameter, SAYS, said, sh } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const INSTANCE = "workflows.argoproj.io/controller-instanceid";
const pod = { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p") };
const refusal = (status: number, reason: string, message: string): Fault => ({ status, reason, message });

/** What an earlier pod of the node, or somebody else, left there. */
const left = (name: string): StoredResult => ({
  apiVersion: "argoproj.io/v1alpha1",
  kind: "WorkflowTaskResult",
  metadata: { name, labels: { theirs: "kept", [COMPLETED]: "false" } },
  outputs: { parameters: [{ name: "old", value: "old" }], artifacts: [{ name: "kept" }] },
  progress: "1/9",
});

const objects: ConformanceCase[] = [
  {
    section: "14.1",
    statement: "an instance id that is empty is no label",
    pod: { ...pod, env: { ARGO_INSTANCE_ID: "" } },
    check: ({ result }) => expect(Object.keys(result?.metadata.labels ?? {})).not.toContain(INSTANCE),
  },
  {
    section: "14.1",
    statement: "neither phase nor message nor exit code is reported, whatever main ended with",
    pod: { ...pod, argv: sh("echo v >/tmp/p; exit 7") },
    expect: { exitCodes: { main: 7 } },
    check: ({ requests }) => {
      for (const { body } of requests) {
        expect(body).not.toHaveProperty("phase");
        expect(body).not.toHaveProperty("message");
        expect(JSON.stringify(body)).not.toContain("exitCode");
      }
    },
  },
  {
    section: "14.1",
    statement: "a result that is there keeps what is not sent, and lists are replaced as a whole",
    pod: (cluster) => ({
      ...pod,
      prepare: ({ name }: PodFilesystem) => cluster.api.results.set(name, left(name)),
    }),
    check: ({ result }) => {
      expect(result?.outputs).toEqual({ ...said("v"), artifacts: [{ name: "kept" }] });
      expect(result?.progress).toBe("1/9");
      expect(result?.metadata.labels).toEqual({ theirs: "kept", [COMPLETED]: "true" });
    },
  },
  {
    section: "14.2",
    statement: "what was there already is touched at the beginning, and nothing in it changed",
    pod: (cluster) => ({
      ...pod,
      prepare: ({ name }: PodFilesystem) => cluster.api.results.set(name, left(name)),
    }),
    check: ({ requests }) => {
      expect(requests.slice(0, 2).map(({ method }) => method)).toEqual(["POST", "PATCH"]);
      expect(requests[1]?.body).toEqual({ metadata: {} });
    },
  },
  {
    section: "14.2",
    statement: "init and the wrapper of the user's command never speak to the API server",
    pod: { ...pod, absent: ["wait"], controller: false },
    check: ({ requests }) => expect(requests).toEqual([]),
  },
  {
    section: "14.2",
    statement:
      "when nothing could ever be created, the label that cannot be set is an error, and is not tried again",
    pod: {
      ...pod,
      api: () => refusal(404, "NotFound", "the server could not find the requested resource"),
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /could not find the requested resource/ },
      complete: false,
      logs: { wait: [/workflow-rbac/] },
    },
    check: ({ requests }) => expect(requests.length).toBeLessThanOrEqual(8),
  },
  {
    section: "14.5",
    statement: "the label comes last: whoever sees it sees all outputs",
    pod: (cluster) => ({
      template: {
        container: {},
        outputs: { ...SAYS.outputs, artifacts: [output("o", "/tmp/p")] },
        archiveLocation: cluster.repository("last", { archiveLogs: true }),
      },
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
      argv: sh("echo v >/tmp/p; echo out; echo 2/2 >$ARGO_PROGRESS_FILE"),
    }),
    check: ({ requests }) => {
      const report = requests.findLast(isReport)?.body.outputs as Record<string, unknown>;
      expect(Object.keys(report).toSorted()).toEqual(["artifacts", "parameters", "result"]);
      expect(requests.findIndex(isCompletion)).toBe(requests.length - 1);
      expect(requests.findIndex(isProgress)).toBeGreaterThan(0);
    },
  },
  {
    section: "14.6",
    statement:
      "parameters that are too large together are refused, the largest is named, and the label is set",
    pod: {
      template: {
        container: {},
        outputs: { parameters: [parameter("small", "/tmp/s"), parameter("large", "/tmp/l")] },
      },
      argv: sh("echo x >/tmp/s; head -c 1000000 /dev/zero | tr '\\0' x >/tmp/l"),
      api: (request) =>
        isReport(request) ? refusal(500, "", "etcdserver: request is too large") : undefined,
    },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /^the outputs are too large for one task result: .*'large' with 1000000 bytes/ },
    },
    check: ({ result }) => expect(result?.outputs).toBeUndefined(),
  },
];

const again = (what: string, fault: Fault): ConformanceCase => ({
  section: "21.1",
  statement: `${what} from the API server is tried again`,
  pod: { ...pod, api: (_request, earlier) => (earlier < 1 ? fault : undefined) },
  expect: { outputs: said("v") },
});

const final = (what: string, fault: Fault): ConformanceCase => ({
  section: "21.1",
  statement: `${what} from the API server is not tried again`,
  pod: { ...pod, api: (request) => (isReport(request) ? fault : undefined) },
  expect: { exitCodes: { wait: 64 }, messages: { wait: /./ } },
  check: ({ requests }) => expect(requests.filter(isReport)).toHaveLength(1),
});

const faults: ConformanceCase[] = [
  ...["request timed out", "too many requests", "leader changed"].map((text) =>
    again(`500 with "etcdserver: ${text}"`, refusal(500, "InternalError", `etcdserver: ${text}`)),
  ),
  again("500 ServerTimeout", refusal(500, "ServerTimeout", "try again later")),
  again(
    "500 of a quota that is being evaluated",
    refusal(500, "InternalError", "resource quota evaluation timed out"),
  ),
  again(
    "409 of a quota that is being written",
    refusal(409, "Conflict", "Operation cannot be fulfilled on resourcequotas"),
  ),
  ...[
    "connection reset by peer",
    "http2: client connection lost",
    "net/http: TLS handshake timeout",
    "i/o timeout",
  ].map((text) => again(`500 that passes on "${text}"`, refusal(500, "InternalError", `webhook: ${text}`))),
  final("409 Conflict", refusal(409, "Conflict", "the object has been modified")),
  final("422 Invalid", refusal(422, "Invalid", "spec.x: Invalid value")),
  final("400 BadRequest", refusal(400, "BadRequest", "cannot be handled")),
];

conformance("odd task results", [...objects, ...faults]);
