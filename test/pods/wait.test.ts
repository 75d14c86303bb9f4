import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";

/** Whole pods: the real front and core in private mounts, a real S3 server, an API server over TLS. */
let cluster: Cluster;
beforeAll(async () => {
  cluster = await startCluster();
}, 60_000);
afterAll(() => cluster[Symbol.asyncDispose]());

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const sh = (script: string) => ["sh", "-ec", script];

describe("wait", () => {
  it("says which RBAC rule is missing, and the pod ends with that", async () => {
    cluster.api.refuse = () => ({
      status: 403,
      reason: "Forbidden",
      message: 'workflowtaskresults.argoproj.io is forbidden: User "x" cannot create resource',
    });
    onTestFinished(() => {
      delete cluster.api.refuse;
    });
    const { main, wait } = await runPod(cluster, { template: { container: {} } });
    expect(main).toMatchObject({ exitCode: 0 });
    expect(wait).toMatchObject({ exitCode: 64 });
    expect(wait?.terminationMessage).toMatch(/^workflowtaskresults\.argoproj\.io is forbidden: User "x"/);
    expect(wait?.log).toContain("workflow-rbac");
    expect(wait?.log).toMatch(/verbs: \[.*create.*patch/);
  });

  it("reports outputs although the task result could not be created before", async () => {
    cluster.api.refuse = ({ method, body }) =>
      method === "POST" && !("outputs" in body)
        ? { status: 403, reason: "Forbidden", message: "not yet" }
        : undefined;
    onTestFinished(() => {
      delete cluster.api.refuse;
    });
    const { wait, result } = await runPod(cluster, {
      template: { container: {} },
      argv: sh("echo 42"),
      env: { ARGO_INCLUDE_SCRIPT_OUTPUT: "true" },
    });
    expect(wait).toMatchObject({ exitCode: 64, terminationMessage: "not yet" });
    expect(result).toMatchObject({
      outputs: { result: "42" },
      metadata: { labels: { [COMPLETED]: "true" } },
    });
  });

  it("does not upload what a link in a volume leads to", async () => {
    const { wait } = await runPod(cluster, {
      template: {
        container: { volumeMounts: [{ name: "w", mountPath: "/work" }] },
        outputs: { parameters: [{ name: "p", valueFrom: { path: "/work/p" } }] },
      },
      volumes: ["/work"],
      argv: sh("ln -s /var/run/secrets/kubernetes.io/serviceaccount/token /work/p"),
    });
    expect(wait?.exitCode).toBe(64);
    expect(wait?.terminationMessage).toMatch(/outside/);
  });
});
