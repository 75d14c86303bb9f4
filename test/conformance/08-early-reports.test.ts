import { expect } from "vitest";
import type { Cluster } from "../support/pods/cluster.ts";
import type { PodEnd, RunningPod } from "../support/pods/pod-request.ts";
import { gate, isReport } from "./support/blows.ts";
import { output, parameter, SAYS, sh, until } from "./support/builders.ts";
import { type ConformanceCase, conformance } from "./support/conformance.ts";

const NONE = { archive: { none: {} } };

/** A pod one of whose two artifacts takes as long as is wanted to be saved; `wait` is told to stop meanwhile. */
async function slow(cluster: Cluster, key: string, then: (pod: RunningPod, open: () => void) => unknown) {
  const { reached, open, hold } = gate();
  const { endpoint } = await cluster.faultyS3(({ method, url }) =>
    method === "PUT" && url.includes("slow") ? { type: "hold", afterBytes: 1, until: hold } : undefined,
  );
  const { s3 } = cluster.repository(key);
  return {
    template: {
      container: {},
      outputs: {
        ...SAYS.outputs,
        artifacts: [output("slow", "/tmp/slow", NONE), output("quick", "/tmp/quick", NONE)],
      },
      archiveLocation: { archiveLogs: true, s3: { ...s3, endpoint } },
    },
    env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true", ARGO_TERMINATION_GRACE_PERIOD_SECONDS: "2" },
    controller: false,
    argv: sh("echo said; echo v >/tmp/p; echo slow >/tmp/slow; echo quick >/tmp/quick"),
    onRunning: async (pod: RunningPod) => {
      await reached;
      pod.wait.kill("SIGTERM");
      await then(pod, open);
    },
  };
}

const parameters = [{ ...parameter("p", "/tmp/p"), value: "v" }];
const artifact = (name: string, key: string) => ({ ...output(name, `/tmp/${name}`, NONE), s3: { key } });
const log = (key: string) => ({ name: "main-logs", s3: { key: `${key}/main.log` } });
const reports = ({ requests }: Pick<PodEnd, "requests">) =>
  requests.filter(isReport).map(({ body }) => body.outputs);
const soFar = (key: string) => ({
  parameters,
  result: "said",
  artifacts: [artifact("quick", `${key}/quick`), log(key)],
});
const isReportedSoFar = (pod: RunningPod, key: string) =>
  until(() => JSON.stringify(reports({ requests: pod.requests() })).includes(`${key}/main.log`));

const cases: ConformanceCase[] = [
  {
    section: "8.1",
    statement:
      "told to stop, wait reports what there is before a large upload has ended; the kubelet's SIGKILL takes only that",
    pod: (cluster) =>
      slow(cluster, "early-killed", async (pod) => {
        await isReportedSoFar(pod, "early-killed");
        pod.wait.kill("SIGKILL");
      }),
    expect: {
      exitCodes: { wait: 137 },
      complete: false,
      outputs: soFar("early-killed"),
      objects: { "early-killed/quick": "quick\n", "early-killed/slow": null },
    },
  },
  {
    section: "8.1",
    statement: "what is reported early is reported again, whole, when the large upload has ended",
    pod: (cluster) =>
      slow(cluster, "early-whole", async (pod, open) => {
        await isReportedSoFar(pod, "early-whole");
        open();
      }),
    check: (end) => {
      const whole = {
        ...soFar("early-whole"),
        artifacts: ["slow", "quick"].map((name) => artifact(name, `early-whole/${name}`)),
      };
      whole.artifacts.push(log("early-whole") as never);
      expect(end.result?.outputs).toEqual(whole);
      expect(reports(end).at(-1)).toEqual(whole);
      expect(reports(end).at(-2)).toEqual(soFar("early-whole"));
    },
  },
  {
    section: "8.1",
    statement: "an early report that the API server refuses is no failure, and not the last one",
    pod: async (cluster) => {
      const refused = { isDone: false };
      const pod = await slow(cluster, "early-refused", async (_running, open) => {
        await until(() => refused.isDone);
        open();
      });
      return {
        ...pod,
        api: (request) => {
          if (refused.isDone || !isReport(request)) return undefined;
          refused.isDone = true;
          return { status: 403, reason: "Forbidden", message: "not yet" };
        },
      };
    },
    expect: { logs: { wait: [/failed to report what is saved so far.*not yet/] } },
    check: ({ result }) => expect(result?.outputs?.artifacts).toHaveLength(3),
  },
];

conformance("early reports", cases);
