import { createLogger } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { answer, type FakeApiServer, hangUp, startFakeApiServer } from "./fake-api-server.ts";
import { createRestClient } from "./rest-client.ts";
import { createTaskResultReporter, type ReportStep } from "./task-result-reporter.ts";

const IDENTITY = { nodeId: "wf-1", workflowName: "wf", workflowUid: "uid" };
const COMPLETED = "workflows.argoproj.io/report-outputs-completed";

function reporterFor(
  server: FakeApiServer,
  more: { created?: boolean; maxSleeps?: number; instanceId?: string; transientErrorPattern?: string } = {},
) {
  const lines: string[] = [];
  const steps: ReportStep[] = [];
  const slept: number[] = [];
  const stop = new AbortController();
  const client = createRestClient(
    {
      server: server.url,
      namespace: "argo",
      tls: {},
      authorization: async () => ({ authorization: "Bearer t" }),
    },
    { userAgent: "test", timeoutMs: 2000 },
  );
  const reporter = createTaskResultReporter({
    client,
    identity: { ...IDENTITY, instanceId: more.instanceId },
    log: createLogger({ write: (line) => lines.push(line), level: "debug", format: "text" }),
    attempt: (step, work) => {
      steps.push(step);
      return work();
    },
    signal: stop.signal,
    created: more.created ?? false,
    transientErrorPattern: more.transientErrorPattern,
    sleep: async (ms) => {
      slept.push(ms);
      if (slept.length >= (more.maxSleeps ?? Number.POSITIVE_INFINITY))
        stop.abort(new Error("grace period over"));
    },
    random: () => 0,
  });
  return { reporter, lines, steps, slept, [Symbol.dispose]: () => client.close() };
}

describe("createTaskResultReporter", () => {
  it("creates, patches the outputs and sets the label, with the bodies of the contract", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server, { instanceId: "blue" });
    await made.reporter.initialize();
    await made.reporter.report({ parameters: [{ name: "p", value: "v" }] });
    await made.reporter.finalize();
    expect(server.requests.map(({ method, path, contentType }) => [method, path, contentType])).toEqual([
      ["POST", "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults", "application/json"],
      [
        "PATCH",
        "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults/wf-1",
        "application/merge-patch+json",
      ],
      [
        "PATCH",
        "/apis/argoproj.io/v1alpha1/namespaces/argo/workflowtaskresults/wf-1",
        "application/merge-patch+json",
      ],
    ]);
    expect(server.requests[1]?.body).toEqual({
      metadata: {},
      outputs: { parameters: [{ name: "p", value: "v" }] },
    });
    expect(server.requests[2]?.body).toEqual({ metadata: { labels: { [COMPLETED]: "true" } } });
    expect(server.objects.get("wf-1")).toMatchObject({
      metadata: { labels: { [COMPLETED]: "true", "workflows.argoproj.io/controller-instanceid": "blue" } },
    });
    expect(made.steps).toEqual(["createTaskResult", "patchTaskResult", "patchTaskResultLabels"]);
  });

  it("patches what exists already instead of failing", async () => {
    await using server = await startFakeApiServer();
    using first = reporterFor(server);
    await first.reporter.initialize();
    using second = reporterFor(server);
    await second.reporter.initialize();
    await second.reporter.progress("1/2");
    expect(server.requests.map(({ method }) => method)).toEqual(["POST", "POST", "PATCH", "PATCH"]);
    expect(server.objects.get("wf-1")).toMatchObject({ progress: "1/2" });
  });

  it("creates the object with its content when it has disappeared", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server, { created: true });
    await made.reporter.report({ result: "r" });
    expect(server.requests.map(({ method }) => method)).toEqual(["PATCH", "POST"]);
    expect(server.objects.get("wf-1")).toMatchObject({
      outputs: { result: "r" },
      metadata: { labels: { [COMPLETED]: "false" } },
    });
  });

  it("creates an object that was deleted before it is completed again, with all that was reported", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server, { created: true });
    server.objects.set("wf-1", { metadata: { name: "wf-1", labels: {} } });
    await made.reporter.progress("2/2");
    await made.reporter.report({ result: "r" });
    server.objects.clear();
    // The first try to create it fails, so that it has to be known on the next one that it is lost.
    server.faults.push(answer(404, "NotFound", "not found"), answer(503, "ServiceUnavailable", "starting"));
    await made.reporter.finalize();
    expect(server.requests.slice(2).map(({ method }) => method)).toEqual(["PATCH", "POST", "POST", "PATCH"]);
    expect(server.objects.get("wf-1")).toMatchObject({
      progress: "2/2",
      outputs: { result: "r" },
      metadata: { labels: { [COMPLETED]: "true" }, ownerReferences: [{ uid: "uid" }] },
    });
  });

  it("keeps the progress when the object disappears before the outputs are reported", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    await made.reporter.progress("1/2");
    server.objects.clear();
    await made.reporter.report({ result: "r" });
    expect(server.objects.get("wf-1")).toMatchObject({ progress: "1/2", outputs: { result: "r" } });
  });

  it("goes on for ever while the errors are transient (§22.6: upstream stops after five)", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    for (let n = 0; n < 4; n++) server.faults.push(hangUp, answer(503, "ServiceUnavailable", "starting"));
    server.faults.push(answer(429, "TooManyRequests", "slow down", { "retry-after": "60" }));
    await made.reporter.initialize();
    expect(made.slept).toEqual([1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000, 60000]);
    expect(server.objects.has("wf-1")).toBe(true);
  });

  it.each([
    ["a gateway in between", 502, "", "<html>Bad Gateway</html>"],
    ["etcd without a leader", 500, "InternalError", "etcdserver: leader changed"],
    ["a quota that is being counted", 403, "Forbidden", "pods is forbidden: exceeded quota: q"],
    ["a quota that is being written", 409, "Conflict", "Operation cannot be fulfilled on resourcequotas"],
    ["an overloaded server", 500, "ServerTimeout", "try again"],
  ])("tries again after %s", async (_case, status, reason, message) => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    server.faults.push(answer(status, reason, message));
    await made.reporter.initialize();
    expect(made.slept).toHaveLength(1);
  });

  it("does not try again for ever when a webhook always fails, unless TRANSIENT_ERROR_PATTERN says so", async () => {
    await using server = await startFakeApiServer();
    const failing = answer(500, "InternalError", "failed calling webhook");
    server.faults.push(failing);
    using plain = reporterFor(server, { transientErrorPattern: "(" });
    await expect(plain.reporter.initialize()).rejects.toMatchObject({ transient: false });
    expect(plain.slept).toEqual([]);

    server.faults.push(failing);
    using patterned = reporterFor(server, { transientErrorPattern: "calling .*hook" });
    await patterned.reporter.initialize();
    expect(patterned.slept).toEqual([1000]);
  });

  it("fails with the last error when it is told to stop", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server, { maxSleeps: 2 });
    server.faults.push(...Array(5).fill(answer(503, "ServiceUnavailable", "starting")));
    await expect(made.reporter.initialize()).rejects.toMatchObject({
      message: "starting",
      code: "kubernetes.unavailable",
    });
    expect(made.slept).toHaveLength(2);
  });

  it("does not retry a refusal, and names the rule that is missing", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    server.faults.push(
      answer(403, "Forbidden", 'workflowtaskresults.argoproj.io is forbidden: User "x" cannot create'),
    );
    await expect(made.reporter.initialize()).rejects.toMatchObject({
      message: expect.stringContaining("workflowtaskresults.argoproj.io is forbidden"),
      code: "kubernetes.forbidden",
      remedy: expect.stringContaining('verbs: ["create", "patch"]'),
    });
    expect(made.lines.join("")).toMatch(/failed to patch task result, see https.*workflow-rbac.*attempt=0/);
    expect(made.slept).toEqual([]);
  });

  it.each([
    [401, "Unauthorized", "Unauthorized"],
    [403, "Forbidden", 'workflowtaskresults.argoproj.io is forbidden: User "x" cannot create'],
    [404, "NotFound", "the server could not find the requested resource"],
  ])("asks again when a server that was away answers %i before it knows its Roles", async (...refusal) => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    server.faults.push(hangUp, answer(...refusal), answer(...refusal));
    await made.reporter.initialize();
    expect(made.slept).toEqual([1000, 500, 1000]);
    expect(server.objects.has("wf-1")).toBe(true);
  });

  it("believes a server that was away and goes on refusing", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    server.faults.push(hangUp, ...Array(5).fill(answer(403, "Forbidden", "no")));
    await expect(made.reporter.initialize()).rejects.toMatchObject({ code: "kubernetes.forbidden" });
    expect(made.slept).toEqual([1000, 500, 1000, 2000, 4000]);
  });

  it.each([
    answer(413, "RequestEntityTooLarge", "limit is 3145728"),
    answer(500, "", "etcdserver: request is too large"),
  ])("says which parameter makes the result too large, and does not retry", async (fault) => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server, { created: true });
    server.faults.push(fault);
    const parameters = [
      { name: "small", value: "x" },
      { name: "huge", value: "x".repeat(5000) },
    ];
    await expect(made.reporter.report({ parameters })).rejects.toMatchObject({
      code: "kubernetes.too_large",
      message: expect.stringMatching(/largest parameter is 'huge' with 5000 bytes/),
    });
    expect(made.slept).toEqual([]);
  });

  it("reports a label that cannot be set because nothing was ever created", async () => {
    await using server = await startFakeApiServer();
    using made = reporterFor(server);
    await expect(made.reporter.finalize()).rejects.toMatchObject({
      status: 404,
      code: "kubernetes.not_found",
    });
    expect(made.lines.join("")).toContain("workflow-rbac");
  });
});
