import { execFile } from "node:child_process";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { CrashError } from "./ending.ts";
import { run } from "./run.ts";
import { createTestHost, kubeconfigFlag, put, startApi } from "./test-support.ts";

const JSON_LOG = ["--log-format", "json"];

describe("argoexec", () => {
  it("prints help without a command, and on request", async () => {
    for (const argv of [[], ["help"], ["init", "--help"]]) {
      const host = await createTestHost(argv);
      expect(await run(host)).toBe(0);
      expect(host.written.stdout).toContain("Usage:");
    }
  });

  it("prints its version", async () => {
    const long = await createTestHost(["version"]);
    expect(await run(long)).toBe(0);
    expect(long.written.stdout).toMatch(/^argoexec: \S+\n {2}BuildDate: /);
    const short = await createTestHost(["version", "--short"]);
    await run(short);
    expect(short.written.stdout).toMatch(/^argoexec: \S+\n$/);
  });

  it("runs as a process", async () => {
    const main = join(import.meta.dirname, "main.ts");
    const { stdout } = await promisify(execFile)(process.execPath, [main, "version", "--short"]);
    expect(stdout).toMatch(/^argoexec: /);
  });

  it.each([
    [["nonsense"], 64, 'unknown command "nonsense" for "argoexec"'],
    [["init", "--nonsense"], 64, "unknown flag: --nonsense"],
    [["wait"], 64, "argoexec wait needs begin, tick or finish here; the front runs them"],
    [["supervisor"], 64, "argoexec supervisor needs load, begin, tick or finish here; the front runs them"],
    [["wait", "load"], 64, "argoexec wait needs begin, tick or finish here; the front runs them"],
    [["resource", "create"], 64, expect.stringMatching(/resource templates/)],
    [
      ["artifact-plugin-init", "--plugin-name", "p", "--", "x"],
      64,
      expect.stringMatching(/artifact plugins/),
    ],
    [["-n", "ci", "doctor"], 64, expect.stringMatching(/the flags of argoexec doctor stand behind it/)],
    [["emissary", "--", "sh"], 64, expect.stringMatching(/run by the front/)],
    [["init", "--loglevel", "loud"], 1, 'unknown log level "loud"; use debug, info, warn or error'],
  ])("answers %j with exit code %i and says why", async (argv, exitCode, message) => {
    const host = await createTestHost(argv);
    expect(await run(host)).toBe(exitCode);
    const text = await host.terminationMessage();
    expect(text).toEqual(message);
    if (exitCode === 64) expect(host.written.stderr).toContain(`Error: ${text}\n${text}\n`);
    else expect(host.records()).toContainEqual(expect.objectContaining({ level: "ERROR", error: text }));
  });

  it.each([
    ["ARGO_POD_NAME is missing", { ARGO_POD_NAME: undefined }, 1, /ARGO_POD_NAME/],
    ["ARGO_DEADLINE is missing", { ARGO_DEADLINE: undefined }, 2, /ARGO_DEADLINE is missing/],
    ["ARGO_DEADLINE is no time", { ARGO_DEADLINE: "tomorrow" }, 2, /"tomorrow"/],
    ["the template is no JSON", { ARGO_TEMPLATE: "{" }, 2, /variable ARGO_TEMPLATE is not JSON/],
    ["the template has the wrong shape", { ARGO_TEMPLATE: '{"inputs":[]}' }, 2, /inputs must be an object/],
    ["there is no template at all", { ARGO_TEMPLATE: undefined }, 2, /open .*\/template: no such file/],
    ["a retry setting is no number", { EXECUTOR_RETRY_BACKOFF_STEPS: "x" }, 2, /BACKOFF_STEPS/],
    ["the OTLP protocol is unknown", otlp("carrier-pigeon"), 1, /carrier-pigeon/],
  ])("does not start when %s", async (_when, env, exitCode, message) => {
    const host = await createTestHost(["init", ...JSON_LOG], env);
    expect(await run(host)).toBe(exitCode);
    expect(await host.terminationMessage()).toMatch(message);
    expect(host.records()).toContainEqual(expect.objectContaining({ msg: "cannot start" }));
  });

  it("ends when nobody caught an error", async () => {
    const host = await createTestHost(["init", ...JSON_LOG]);
    host.crash(new CrashError("a mistake", { cause: new Error("a mistake") }));
    expect(await run(host)).toBe(1);
    expect(await host.terminationMessage()).toBe("a mistake");
  });
});

function otlp(protocol: string) {
  return { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_PROTOCOL: protocol };
}

describe("argoexec init", () => {
  it("stages the pod's files and says what it starts with", async () => {
    const host = await createTestHost(["init", ...JSON_LOG, "--gloglevel", ""]);
    expect(await run(host)).toBe(0);
    expect(await readFile(host.paths.front, "utf8")).toBe("the front");
    expect(await host.terminationMessage()).toBeUndefined();
    expect(host.records()).toEqual([
      expect.objectContaining({ msg: "Starting Workflow Executor", version: expect.any(String), argo: true }),
      expect.objectContaining({ msg: "Using executor retry strategy", Steps: 5, Duration: 1e9 }),
      expect.objectContaining({
        msg: "Executor initialized",
        namespace: "default",
        podName: "pod",
        templateName: "hello",
        includeScriptOutput: false,
        deadline: "0001-01-01T00:00:00Z",
      }),
    ]);
  });

  it("leaves the pod the trace context it was given, else one derived from the workflow, and keeps to it", async () => {
    const given = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
    const traced = await createTestHost(["init"], { TRACEPARENT: given, TRACESTATE: "workflow=argo/wf" });
    await run(traced);
    expect(JSON.parse(await readFile(traced.paths.traceContext, "utf8"))).toEqual({
      traceparent: given,
      tracestate: "workflow=argo/wf",
      baggage: "",
    });
    const untraced = await createTestHost(["init"], { ARGO_WORKFLOW_UID: "" });
    await run(untraced);
    const first = await readFile(untraced.paths.traceContext, "utf8");
    await run(untraced);
    expect(await readFile(untraced.paths.traceContext, "utf8")).toBe(first);
  });

  it("fails with the contract's text when an artifact was not supplied", async () => {
    const template = { container: {}, inputs: { artifacts: [{ name: "x", path: "/x" }] } };
    const host = await createTestHost(["init"], { ARGO_TEMPLATE: JSON.stringify(template) });
    expect(await run(host)).toBe(64);
    expect(await host.terminationMessage()).toBe("required artifact 'x' not supplied");
  });

  it("needs no cluster", async () => {
    const host = await createTestHost(["init", "--kubeconfig", "/nowhere"]);
    expect(await run(host)).toBe(0);
  });
});

describe("argoexec wait", () => {
  it("creates, reports and completes the task result over its acts", async () => {
    const api = await startApi();
    const flags = [...JSON_LOG, await kubeconfigFlag(api.url), "-n", "team"];
    const host = await createTestHost(["wait", "begin", ...flags]);
    expect(await run(host)).toBe(0);
    expect(await run({ ...host, argv: ["wait", "finish", ...flags] })).toBe(0);
    const collection = "/apis/argoproj.io/v1alpha1/namespaces/team/workflowtaskresults";
    expect(api.calls.map(({ method, path }) => `${method} ${path}`)).toEqual([
      `POST ${collection}`,
      `PATCH ${collection}/wf-1`,
      `PATCH ${collection}/wf-1`,
    ]);
    expect(api.calls[0]?.authorization).toBe("Bearer canary-token");
    expect(api.calls[2]?.body).toEqual({
      metadata: { labels: { "workflows.argoproj.io/report-outputs-completed": "true" } },
    });
    expect(host.written.stderr).not.toContain("canary");
    expect(await host.terminationMessage()).toBeUndefined();
  });

  it("ends at once, with exit code 2, when there is no cluster to talk to", async () => {
    const host = await createTestHost(["wait", "begin"]);
    expect(await run(host)).toBe(2);
    expect(await host.terminationMessage()).toMatch(/^cannot configure the Kubernetes client/);
  });

  it("goes on after begin was refused, and ends with that error", async () => {
    const api = await startApi();
    api.refuse = 403;
    const flag = await kubeconfigFlag(api.url);
    const host = await createTestHost(["wait", "begin", flag]);
    expect(await run(host)).toBe(64);
    delete api.refuse;
    expect(await run({ ...host, argv: ["wait", "finish", flag] })).toBe(64);
    expect(api.calls.map(({ method }) => method)).toEqual(["POST", "POST", "PATCH"]);
    expect(await host.terminationMessage()).toBe("it is forbidden");
  });

  it("says nothing in the termination message when only progress could not be sent", async () => {
    const api = await startApi();
    api.refuse = 403;
    const host = await createTestHost(["wait", "tick", await kubeconfigFlag(api.url)], {
      ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
      ARGO_PROGRESS_FILE_TICK_DURATION: "3s",
    });
    host.env.ARGO_PROGRESS_FILE = await put(join(host.root, "progress"), "1/2");
    expect(await run(host)).toBe(64);
    expect(api.calls).toHaveLength(1);
    expect(await host.terminationMessage()).toBeUndefined();
  });

  it("goes on with finish when it is told to stop", async () => {
    const api = await startApi();
    const host = await createTestHost(["wait", "finish", await kubeconfigFlag(api.url), ...JSON_LOG]);
    const ended = run(host);
    host.terminate("SIGTERM");
    expect(await ended).toBe(0);
    expect(api.calls).toHaveLength(2);
  });

  it("does not take the outputs' chance away when an act before finish crashes", async () => {
    const host = await createTestHost(["wait", "begin"]);
    host.crash(new CrashError("a mistake"));
    expect(await run(host)).toBe(64);
  });

  it("reads the template that init left, as wait has no variable since v3.6", async () => {
    const api = await startApi();
    const host = await createTestHost(["wait", "finish", await kubeconfigFlag(api.url)], {
      ARGO_TEMPLATE: undefined,
      ARGO_INCLUDE_SCRIPT_OUTPUT: "true",
    });
    await put(host.paths.template, '{"script":{"source":""}}');
    await put(host.paths.stdout("main"), "42\n");
    expect(await run(host)).toBe(0);
    expect(api.calls[0]?.body).toEqual({ metadata: {}, outputs: { result: "42" } });
  });

  it("can write no termination message and still ends", async () => {
    const host = await createTestHost(["nonsense"]);
    await rm(join(host.root, "dev"), { recursive: true });
    expect(await run(host)).toBe(64);
    expect(host.written.stderr).toContain("unable to write termination log");
  });
});

describe("argoexec doctor", () => {
  it("looks at the pod, prints what it found on stdout, and ends with 1 when something has failed", async () => {
    const host = await createTestHost(["doctor"], { KUBERNETES_SERVICE_HOST: "127.0.0.1" });
    expect(await run(host)).toBe(1);
    expect(host.written.stdout).toMatch(/^skein doctor \S+, in a pod: namespace default, /);
    expect(host.written.stdout).toMatch(
      /✖ api-server .*\n(.*\n)*.*→ give the pod its service account's token/,
    );
    // The pod's own containers may still have something to say there.
    expect(await host.terminationMessage()).toBeUndefined();
  });

  it("prints the flags on request, and ends with 2 for one it does not know", async () => {
    const help = await createTestHost(["doctor", "--help"]);
    expect(await run(help)).toBe(0);
    expect(help.written.stdout).toMatch(/^Usage: argoexec doctor \[flags\]\n/);
    const unknown = await createTestHost(["doctor", "--fast"]);
    expect(await run(unknown)).toBe(2);
    expect(unknown.written.stderr).toMatch(/^argoexec doctor: Unknown option '--fast'/);
  });
});
