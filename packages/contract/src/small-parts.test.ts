import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { anyString } from "./any-string.ts";
import { archiveStrategy } from "./archive-strategy.ts";
import { parseExecutorConfig } from "./config.ts";
import { ArtifactError, errorCode, isNotFound } from "./errors.ts";
import { formatGoDuration, parseGoDuration } from "./go-duration.ts";
import { parseJournal } from "./journal.ts";
import { createLogger, LogDuration, parseLogLevel } from "./logger.ts";
import { Secret } from "./secret.ts";
import { newTaskResult } from "./task-result.ts";
import { hasOutputs, mainContainerNames, templateType } from "./template-parts.ts";
import { deriveTraceContext, formatTraceparent, parseTraceparent } from "./trace-context.ts";
import { findVolumeMount, isBaseImagePath } from "./volume-mounts.ts";

describe("anyString", () => {
  it.each([
    [1e3, "1000"],
    [1.5, "1.5"],
    [123456789012345680, "123456789012345680"],
    [1e21, "1000000000000000000000"],
    [1.25e-7, "0.000000125"],
    [-2e22, "-20000000000000000000000"],
    [true, "true"],
    ["x", "x"],
    [null, undefined],
    [{}, undefined],
  ])("writes %j as %j", (value, text) => {
    expect(anyString(value)).toBe(text);
  });
});

describe("Go durations", () => {
  it.each([
    ["1m0s", 60_000],
    ["3s", 3000],
    ["1.5h", 5_400_000],
    ["250ms", 250],
    ["-2s", -2000],
    ["0", 0],
    ["", undefined],
    ["5", undefined],
    ["s", undefined],
  ])("reads %j", (text, ms) => {
    expect(parseGoDuration(text)).toBe(ms);
  });

  it.each([
    [60_000, "1m0s"],
    [1500, "1.5s"],
    [250, "250ms"],
    [0.0125, "12.5µs"],
    [0, "0s"],
    [3_661_000, "1h1m1s"],
  ])("writes %d ms as %j", (ms, text) => {
    expect(formatGoDuration(ms)).toBe(text);
  });
});

describe("Secret", () => {
  it("is redacted however it is printed", () => {
    const secret = new Secret("canary");
    expect(
      [`${secret}`, String(secret), JSON.stringify({ secret }), inspect({ secret }), `${secret}!`].join(),
    ).not.toContain("canary");
    expect(secret.reveal()).toBe("canary");
  });
});

describe("createLogger", () => {
  const now = () => new Date("2026-01-02T03:04:05.678Z");

  it("writes lines as Go's text handler does", () => {
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line), level: "info", format: "text", now });
    log.debug("unseen");
    log
      .with({ name: "a b" })
      .info("Load artifact", { duration: new LogDuration(1500), error: null, key: "k" });
    expect(lines).toEqual([
      'time=2026-01-02T03:04:05.678Z level=INFO msg="Load artifact" name="a b" duration=1.5s error=<nil> key=k argo=true\n',
    ]);
  });

  it("writes durations as nanoseconds in JSON", () => {
    const lines: string[] = [];
    createLogger({ write: (line) => lines.push(line), level: "info", format: "json", now }).warn("m", {
      duration: new LogDuration(1.5),
      error: new Error("no"),
    });
    expect(JSON.parse(lines[0] ?? "")).toEqual({
      time: "2026-01-02T03:04:05.678Z",
      level: "WARN",
      msg: "m",
      duration: 1_500_000,
      error: "no",
      argo: true,
    });
  });

  it("knows the old names of levels", () => {
    expect(parseLogLevel("Trace")).toBe("debug");
    expect(parseLogLevel("panic")).toBe("error");
    expect(parseLogLevel("loud")).toBeUndefined();
  });
});

describe("parseExecutorConfig", () => {
  const env = { ARGO_POD_NAME: "p", ARGO_DEADLINE: "0001-01-01T00:00:00Z" };

  it("fills in the defaults of the contract", () => {
    const config = parseExecutorConfig(env);
    expect(config.deadline).toBeUndefined();
    expect(config.terminationGracePeriodMs).toBe(30_000);
    expect(config.executorRetry).toEqual({ steps: 5, durationMs: 1000, factor: 1.6, jitter: 0.5 });
  });

  it.each([
    [{ ...env, ARGO_POD_NAME: undefined }, 1, /ARGO_POD_NAME/],
    [{ ...env, ARGO_DEADLINE: undefined }, 2, /ARGO_DEADLINE is missing/],
    [{ ...env, ARGO_DEADLINE: "tomorrow" }, 2, /"tomorrow"/],
    [{ ...env, RETRY_BACKOFF_STEPS: "many" }, 2, /RETRY_BACKOFF_STEPS.*"many"/],
    [{ ...env, EXECUTOR_RETRY_BACKOFF_DURATION: "5" }, 2, /EXECUTOR_RETRY_BACKOFF_DURATION.*"5"/],
  ])("fails with the contract's exit code", (broken, exitCode, message) => {
    expect(() => parseExecutorConfig(broken)).toThrow(
      expect.objectContaining({ exitCode, message: expect.stringMatching(message) }),
    );
  });

  it("ignores an upload part size out of range", () => {
    expect(
      parseExecutorConfig({ ...env, ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "4" }).s3UploadPartSizeBytes,
    ).toBeUndefined();
    expect(parseExecutorConfig({ ...env, ARTIFACT_S3_UPLOAD_PART_SIZE_MIB: "5" }).s3UploadPartSizeBytes).toBe(
      5242880,
    );
  });
});

describe("template parts", () => {
  it("tell the type in the controller's order and the main containers", () => {
    expect(templateType({ script: { source: "" }, container: {} })).toBe("container");
    const set = { containerSet: { containers: [{ name: "a" }, { name: "b" }] } };
    expect(mainContainerNames(set)).toEqual(["a", "b"]);
    expect(hasOutputs(set)).toBe(false);
  });

  it("find the deepest mount by components", () => {
    const mounts = [
      { name: "a", mountPath: "/data" },
      { name: "b", mountPath: "/data/deep" },
    ];
    expect(findVolumeMount(mounts, "/data/deep/x")?.name).toBe("b");
    expect(findVolumeMount(mounts, "/data2")).toBeUndefined();
  });

  it("take an output at an input artifact's path for mounted, in the init layout only", () => {
    const template = { inputs: { artifacts: [{ name: "i", path: "/in", s3: { key: "k" } }] } };
    expect(isBaseImagePath(template, "/in/sub", { initless: false })).toBe(false);
    expect(isBaseImagePath(template, "/in/sub", { initless: true })).toBe(true);
    expect(isBaseImagePath(template, "/other", { initless: false })).toBe(true);
  });

  it("take the path of an optional input that was not supplied for the image's own", () => {
    const template = { inputs: { artifacts: [{ name: "i", path: "/in", optional: true }] } };
    expect(isBaseImagePath(template, "/in", { initless: false })).toBe(true);
    expect(isBaseImagePath(template, "/in/sub", { initless: false })).toBe(true);
  });
});

describe("archiveStrategy", () => {
  it("tells absence from emptiness", () => {
    expect(archiveStrategy(undefined)).toEqual({ type: "auto", compressionLevel: undefined });
    expect(archiveStrategy({})).toEqual({ type: "auto", compressionLevel: 0 });
    expect(archiveStrategy({ tar: { compressionLevel: 3 } })).toEqual({ type: "tar", compressionLevel: 3 });
  });
});

describe("errors", () => {
  it("only some codes let an optional artifact be skipped", () => {
    expect(isNotFound(new ArtifactError("x", { code: "s3.no_such_key" }))).toBe(true);
    expect(isNotFound(new ArtifactError("x", { code: "s3.access_denied" }))).toBe(false);
    expect(errorCode(Object.assign(new Error("x"), { code: "ENOENT" }))).toBe("internal");
  });
});

describe("newTaskResult", () => {
  it("has the body the controller's informer expects", () => {
    expect(newTaskResult({ nodeId: "n", workflowName: "w", workflowUid: "u" })).toEqual({
      apiVersion: "argoproj.io/v1alpha1",
      kind: "WorkflowTaskResult",
      metadata: {
        name: "n",
        labels: {
          "workflows.argoproj.io/workflow": "w",
          "workflows.argoproj.io/report-outputs-completed": "false",
        },
        ownerReferences: [{ apiVersion: "argoproj.io/v1alpha1", kind: "Workflow", name: "w", uid: "u" }],
      },
    });
  });
});

describe("trace context", () => {
  it("reads and writes traceparent", () => {
    const text = "00-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01";
    const context = parseTraceparent(text, "workflow=argo/x");
    expect(context).toMatchObject({ traceFlags: 1, traceState: "workflow=argo/x" });
    expect(context && formatTraceparent(context)).toBe(text);
  });

  it.each([
    "",
    "00-0-0-00",
    "00-00000000000000000000000000000000-79e6b1236d70c8e3-01",
    "ff-3be030a2cdb056498597b40666665e37-79e6b1236d70c8e3-01",
  ])("takes %j for no context", (text) => {
    expect(parseTraceparent(text)).toBeUndefined();
  });

  it("derives ids from UID and node ID, the same every time", () => {
    const ids = { workflowUid: "1765cc30-0431-4a17-a34d-fd1178ec033f", nodeId: "wf-1" };
    expect(deriveTraceContext(ids)).toEqual(deriveTraceContext(ids));
    expect(deriveTraceContext(ids).traceId).toBe("1765cc3004314a17a34dfd1178ec033f");
  });
});

describe("parseJournal", () => {
  it("reads what is whole and leaves out a torn last line", () => {
    expect(parseJournal('{"event":"end","timeUnixNano":"1","exitCode":0}\n{"event":"sta')).toHaveLength(1);
  });
});
