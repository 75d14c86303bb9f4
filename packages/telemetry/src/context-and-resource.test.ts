import { describe, expect, it } from "vitest";
import { createNoopTracing } from "./noop-tracing.ts";
import { extractParent, injectContext } from "./parent-context.ts";
import { resourceAttributes } from "./resource.ts";
import { parsePodClaims } from "./token-claims.ts";
import { chooseTraceLevel } from "./trace-level.ts";

const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const IDS = { workflowUid: "11112222-3333-4444-5555-666677778888", nodeId: "hello-1" };

describe("extractParent", () => {
  it("prefers the environment, with trace state and baggage", () => {
    const env = { TRACEPARENT, TRACESTATE: "workflow=argo/hello", BAGGAGE: "team=blue" };
    const contextFile = { traceparent: "00-ffffffffffffffffffffffffffffffff-eeeeeeeeeeeeeeee-01" };
    expect(extractParent({ env, contextFile, ...IDS })).toEqual({
      traceId: "0af7651916cd43dd8448eb211c80319c",
      spanId: "b7ad6b7169203331",
      traceFlags: 1,
      traceState: "workflow=argo/hello",
      baggage: "team=blue",
    });
  });

  it("takes what init wrote down when the container was given nothing usable", () => {
    const contextFile = { traceparent: TRACEPARENT, baggage: "team=blue" };
    const parent = extractParent({ env: { TRACEPARENT: "garbage" }, contextFile, ...IDS });
    expect(parent).toMatchObject({ spanId: "b7ad6b7169203331", baggage: "team=blue" });
  });

  it("derives ids from workflow and node when nobody gives a context", () => {
    const parent = extractParent({ env: {}, ...IDS });
    expect(parent.traceId).toBe("11112222333344445555666677778888");
    expect(extractParent({ env: {}, ...IDS })).toEqual(parent);
  });
});

describe("injectContext", () => {
  it("removes what the context does not have, so that a stale value is not handed on", () => {
    const env: Record<string, string | undefined> = { TRACESTATE: "old=1", BAGGAGE: "old=2", PATH: "/bin" };
    injectContext(extractParent({ env: { TRACEPARENT }, ...IDS }), env);
    expect(env).toEqual({ TRACEPARENT, PATH: "/bin" });
  });
});

describe("createNoopTracing", () => {
  it("runs the work, passes its error on, and leaves the environment alone when there is no context", async () => {
    const tracing = createNoopTracing();
    const env: Record<string, string | undefined> = {};
    await expect(tracing.withSpan("stageFiles", {}, () => 7)).resolves.toBe(7);
    await expect(tracing.withSpan("stageFiles", {}, () => Promise.reject(new Error("no")))).rejects.toThrow(
      "no",
    );
    tracing.inject(env);
    expect(env).toEqual({});
    expect(tracing.current()).toBeUndefined();
  });

  it("hands on a parent that was given by name", async () => {
    const parent = extractParent({ env: { TRACEPARENT }, ...IDS });
    const tracing = createNoopTracing();
    await tracing.withSpan("stageFiles", { parent }, () => expect(tracing.current()).toEqual(parent));
  });
});

describe("chooseTraceLevel", () => {
  it.each([
    ["annotation over env", { annotation: "phases", env: { SKEIN_TRACE: "files" } }, "phases", true],
    ["env over the flag", { env: { SKEIN_TRACE: "files" }, sampled: false }, "files", true],
    ["the flag", { env: {}, sampled: false }, "off", false],
    ["a sampled flag", { env: {}, sampled: true }, "artifacts", false],
    ["no context at all", { env: {} }, "artifacts", false],
    [
      "a sampler that ignores parents",
      { env: { OTEL_TRACES_SAMPLER: "always_on" }, sampled: false },
      "artifacts",
      false,
    ],
    ["any case and blanks", { annotation: " Files ", env: {} }, "files", true],
    ["an empty annotation", { annotation: "", env: { SKEIN_TRACE: "off" } }, "off", true],
  ])("goes by %s", (_case, sources, level, explicit) => {
    expect(chooseTraceLevel(sources)).toEqual({ level, explicit });
  });

  it("reports a word it does not know and goes on to the next source", () => {
    const warnings: unknown[] = [];
    const log = {
      debug() {},
      info() {},
      error() {},
      warn: (...line: unknown[]) => warnings.push(line),
      with: () => log,
    };
    expect(chooseTraceLevel({ annotation: "everything", env: { SKEIN_TRACE: "phases" } }, log).level).toBe(
      "phases",
    );
    expect(warnings).toEqual([
      [
        "unknown trace level in annotation skein.dev/trace, using the default",
        { value: "everything", known: ["off", "phases", "artifacts", "files"] },
      ],
    ]);
  });
});

describe("resourceAttributes", () => {
  const facts = { version: "0.1.0", namespace: "argo", podName: "p-1", nodeName: undefined, podUid: "" };

  it("describes the pod by what is known of it", () => {
    expect(resourceAttributes(facts, {})).toEqual({
      "service.name": "argoexec",
      "service.version": "0.1.0",
      "k8s.namespace.name": "argo",
      "k8s.pod.name": "p-1",
    });
  });

  it("lets the standard variables win", () => {
    const env = {
      OTEL_SERVICE_NAME: "ci",
      OTEL_RESOURCE_ATTRIBUTES: "service.name=other, k8s.pod.name=named%20pod,broken,team=blue,=x",
    };
    expect(resourceAttributes(facts, env)).toMatchObject({
      "service.name": "ci",
      "k8s.pod.name": "named pod",
      team: "blue",
    });
  });
});

describe("parsePodClaims", () => {
  const token = (payload: unknown): string =>
    ["e30", Buffer.from(JSON.stringify(payload)).toString("base64url"), "c2ln"].join(".");

  it("reads node and pod from a bound token", () => {
    const claims = {
      "kubernetes.io": {
        namespace: "argo",
        node: { name: "worker-3", uid: "n" },
        pod: { name: "p-1", uid: "u-1" },
        serviceaccount: { name: "default", uid: "s" },
      },
    };
    expect(parsePodClaims(`${token(claims)}\n`)).toEqual({
      namespace: "argo",
      nodeName: "worker-3",
      serviceAccountName: "default",
      podName: "p-1",
      podUid: "u-1",
    });
  });

  it.each([
    ["no token", undefined],
    ["a token that is no JWT", "s3cr3t"],
    ["a payload that is no JSON", "a.b.c"],
    ["a legacy token", token({ iss: "kubernetes/serviceaccount" })],
    ["claims of another shape", token({ "kubernetes.io": { node: "worker-3" } })],
  ])("has nothing to say about %s", (_case, text) => {
    expect(parsePodClaims(text)).toEqual({});
  });
});
