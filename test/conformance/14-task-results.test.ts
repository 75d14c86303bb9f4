import { existsSync, writeFileSync } from "node:fs";
import { expect } from "vitest";
import type { Fault } from "../support/task-result-api.ts";
import { isCompletion } from "./support/blows.ts";
import { appears, SAYS, said, sh, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const pod = { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p") };
const refusal = (status: number, reason: string, message: string): Fault => ({ status, reason, message });
const FORBIDDEN = refusal(
  403,
  "Forbidden",
  'workflowtaskresults.argoproj.io is forbidden: User "x" cannot create',
);

const rules: ConformanceCase[] = [
  {
    section: "14.2",
    statement: "the calls are: create, patch of the outputs, patch of the label",
    pod,
    expect: { outputs: said("v") },
    check: ({ requests }) => {
      expect(requests.map(({ method }) => method)).toEqual(["POST", "PATCH", "PATCH"]);
      expect(requests.map(({ body }) => body)).toEqual([
        expect.objectContaining({ kind: "WorkflowTaskResult" }),
        { metadata: {}, outputs: said("v") },
        { metadata: { labels: { [COMPLETED]: "true" } } },
      ]);
    },
  },
  {
    section: "14.1",
    statement: "the task result is named after the node, labelled, and owned by the workflow",
    pod,
    check: ({ requests }) => {
      const { body, name, path } = requests[0] ?? { body: {}, name: "", path: "" };
      expect(path).toBe("/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults");
      expect(body).toEqual({
        apiVersion: "argoproj.io/v1alpha1",
        kind: "WorkflowTaskResult",
        metadata: {
          name,
          labels: { "workflows.argoproj.io/workflow": "wf", [COMPLETED]: "false" },
          ownerReferences: [
            {
              apiVersion: "argoproj.io/v1alpha1",
              kind: "Workflow",
              name: "wf",
              uid: "1765cc30-0431-4a17-a34d-fd1178ec033f",
            },
          ],
        },
      });
    },
  },
  {
    section: "14.1",
    statement: "a controller's instance id is a label of the task result",
    pod: { ...pod, env: { ARGO_INSTANCE_ID: "blue" } },
    check: ({ result }) =>
      expect(result?.metadata.labels["workflows.argoproj.io/controller-instanceid"]).toBe("blue"),
  },
  {
    section: "14.2",
    statement: "a pod without outputs reports none, and its label",
    pod: { template: { container: {} } },
    check: ({ result }) => expect(result?.outputs ?? {}).toEqual({}),
  },
  {
    section: "14.2",
    statement: "a task result that exists already is patched",
    pod: {
      ...pod,
      api: ({ method }, earlier) =>
        method === "POST" && earlier === 0 ? refusal(409, "AlreadyExists", "already exists") : undefined,
    },
    // The fault hides that there is none yet: the patches find nothing and create it.
    expect: { outputs: said("v") },
    check: ({ requests }) => expect(requests[1]?.method).toBe("PATCH"),
  },
  {
    section: "14.2",
    statement: "a task result that was deleted in between is created again, with the outputs, and completed",
    pod: {
      ...pod,
      api: ({ method }, earlier) =>
        method === "PATCH" && earlier === 1 ? refusal(404, "NotFound", "not found") : undefined,
    },
    expect: { outputs: said("v") },
  },
  {
    section: "14.2",
    statement:
      "a task result that was deleted before its label is created again, with all of it, and completed",
    pod: (cluster) => {
      let isFirst = true;
      return {
        ...pod,
        argv: sh("echo v >/tmp/p; echo 1/2 >$ARGO_PROGRESS_FILE"),
        api: (request) => {
          if (isFirst && isCompletion(request)) isFirst = !cluster.api.results.delete(request.name);
          return undefined;
        },
      };
    },
    expect: { outputs: said("v") },
    check: ({ requests, result }) => {
      expect(requests.slice(-3).map(({ method }) => method)).toEqual(["PATCH", "POST", "PATCH"]);
      expect(result).toMatchObject({ progress: "1/2", metadata: { ownerReferences: [{ name: "wf" }] } });
    },
  },
];

const transient = (what: string, fault: Fault, section = "21.1"): ConformanceCase => ({
  section,
  statement: `${what} from the API server is tried again`,
  pod: { ...pod, api: (_request, earlier) => (earlier < 2 ? fault : undefined) },
  expect: { outputs: said("v") },
});

const final = (what: string, fault: Fault, message: RegExp, pitfall?: number): ConformanceCase => ({
  section: "21.1",
  statement: `${what} from the API server is not tried again, and is what wait ends with`,
  ...(pitfall === undefined ? {} : { pitfall }),
  pod: { ...pod, api: () => fault },
  expect: { exitCodes: { wait: 64 }, messages: { wait: message }, complete: false },
  check: ({ requests }) => expect(requests.length).toBeLessThanOrEqual(6),
});

const faults: ConformanceCase[] = [
  transient("429 TooManyRequests", refusal(429, "TooManyRequests", "slow down")),
  transient("503 ServiceUnavailable", refusal(503, "ServiceUnavailable", "not now")),
  transient("504 Timeout", refusal(504, "Timeout", "request did not complete within requested timeout")),
  transient(
    "500 with a text that promises an end",
    refusal(500, "InternalError", "etcdserver: leader changed"),
  ),
  transient("a 403 for an exceeded quota", refusal(403, "Forbidden", "exceeded quota: results")),
  transient("a broken connection", "reset"),
  final("403 Forbidden", FORBIDDEN, /^workflowtaskresults\.argoproj\.io is forbidden/),
  final("a plain 500", refusal(500, "InternalError", "something broke"), /something broke/),
  final("413", refusal(413, "RequestEntityTooLarge", "etcdserver: request is too large"), /too large/),
  {
    section: "14.4",
    statement: "when the API server refuses, the log says which rule the service account needs",
    pod: { ...pod, api: () => FORBIDDEN },
    expect: {
      exitCodes: { wait: 64 },
      messages: { wait: /forbidden/ },
      complete: false,
      logs: { wait: [/workflow-rbac/, /workflowtaskresults/, /create/, /patch/] },
    },
  },
  {
    section: "21.1",
    statement: "a text that TRANSIENT_ERROR_PATTERN matches is tried again",
    pod: {
      ...pod,
      env: { TRANSIENT_ERROR_PATTERN: "some.*broke" },
      api: (_request, earlier) =>
        earlier < 1 ? refusal(500, "InternalError", "something broke") : undefined,
    },
    expect: { outputs: said("v") },
  },
  {
    section: "8.5",
    statement:
      "outputs are reported although the task result could not be created before, and wait ends with 64",
    pod: {
      ...pod,
      api: (_request, earlier) => (earlier === 0 ? FORBIDDEN : undefined),
    },
    expect: { exitCodes: { wait: 64 }, messages: { wait: /forbidden/ }, outputs: said("v") },
  },
  {
    section: "14.2",
    statement: "a label that cannot be set is only in the termination message",
    pod: {
      ...pod,
      api: ({ body }) => (JSON.stringify(body).includes('"true"') ? FORBIDDEN : undefined),
    },
    expect: { messages: { wait: /forbidden/ }, outputs: said("v"), complete: false },
  },
  {
    section: "14.3",
    statement: "an outage longer than upstream's 31 seconds is survived",
    pitfall: 6,
    pod: {
      ...pod,
      api: (() => {
        let end: number | undefined;
        return () => {
          end ??= Date.now() + 33_000;
          return Date.now() < end ? refusal(503, "ServiceUnavailable", "starting") : undefined;
        };
      })(),
      controller: false,
    },
    expect: { outputs: said("v") },
  },
];

const endings: ConformanceCase[] = [
  {
    section: "8.1",
    statement: "SIGTERM while main runs collects what main leaves, and completes the task result",
    pod: {
      template: { container: {}, ...SAYS },
      argv: sh("trap 'echo late >/tmp/p; exit 0' TERM; touch /var/run/argo/up; while :; do sleep 0.05; done"),
      controller: false,
      onRunning: async (running) => {
        await appears(running, "up");
        for (const container of Object.values(running.containers)) container.kill("SIGTERM");
      },
    },
    expect: { outputs: said("late") },
  },
  {
    section: "8.1",
    statement: "SIGTERM to wait alone, while main goes on, reports what there is",
    pod: {
      template: { container: {} },
      env: { ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" },
      argv: sh("touch /var/run/argo/up; while ! test -e /var/run/argo/go; do sleep 0.05; done"),
      controller: false,
      onRunning: async (running) => {
        await appears(running, "up");
        running.wait.kill("SIGTERM");
        await running.wait.exitCode;
        writeFileSync(running.shared("go"), "");
      },
    },
  },
  {
    section: "8.4",
    statement: "a deadline ends main by SIGTERM and leaves its message; outputs are saved",
    pod: () => ({
      template: { container: {}, ...SAYS },
      env: { ARGO_DEADLINE: new Date(Date.now() + 15_000).toISOString() },
      argv: sh("trap 'echo stopped >/tmp/p; exit 1' TERM; while :; do sleep 0.05; done"),
    }),
    expect: {
      exitCodes: { main: 1 },
      messages: { wait: "Step exceeded its deadline" },
      outputs: said("stopped"),
    },
  },
  {
    section: "8.4",
    statement: "main that ignores the deadline's SIGTERM is killed after the grace period",
    pod: () => ({
      template: { container: {} },
      env: {
        ARGO_DEADLINE: new Date(Date.now() + 15_000).toISOString(),
        ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "1",
      },
      argv: sh("trap '' TERM; while :; do sleep 0.05; done"),
    }),
    expect: { exitCodes: { main: 137 }, messages: { wait: "Step exceeded its deadline" } },
  },
  {
    section: "8.3",
    statement:
      "a main that was killed with its wrapper, as for want of memory, is noticed, and the report completed",
    pod: {
      template: { container: {} },
      controller: false,
      argv: sh("touch /var/run/argo/up; sleep 600"),
      onRunning: async (running) => {
        await appears(running, "up");
        running.main.kill("SIGKILL");
      },
    },
    expect: { exitCodes: { main: 137 } },
    check: (end) => expect(existsSync(end.shared("ctr/main/exitcode"))).toBe(false),
  },
  {
    section: "8.1",
    statement: "a main that never starts does not keep wait from completing when it is told to stop",
    pod: {
      template: { container: {} },
      absent: ["main"],
      onRunning: async (running) => {
        await until(() => running.requests().length > 0);
        running.wait.kill("SIGTERM");
      },
    },
  },
  {
    section: "8.2",
    statement: "main's failure keeps its own code, and what it left is reported",
    pod: { template: { container: {}, ...SAYS }, argv: sh("echo v >/tmp/p; exit 7") },
    expect: { exitCodes: { main: 7 }, outputs: said("v") },
  },
];

conformance("task results and endings", [...rules, ...faults, ...endings]);
