import type { JournalLine } from "@skein/contract";
import { parseJournal } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { journaledSpans, waitContext, waitWorkloadContext } from "./journal-lives.ts";
import type { MainSpansInput } from "./main-spans.ts";
import { buildMainSpans } from "./main-spans.ts";
import { decodeAttributes } from "./otlp-attributes.ts";
import type { OtlpSpan } from "./otlp-span.ts";
import type { RunIdentity } from "./run-attributes.ts";
import type { WaitSpansInput } from "./wait-spans.ts";
import { buildWaitSpans } from "./wait-spans.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const IDENTITY: RunIdentity = {
  workflowName: "hello-world-x7k2p",
  workflowUid: "0af76519-16cd-43dd-8448-eb211c80319c",
  namespace: "argo",
  templateName: "hello",
  nodeId: "hello-world-x7k2p-1",
};

function at(second: number): string {
  return `${1_700_000_000 + second}000000000`;
}

function start(role: "emissary" | "wait", spanId: string, second = 0): JournalLine {
  return {
    event: "start",
    timeUnixNano: at(second),
    role,
    traceparent: `00-${TRACE}-${spanId}-01`,
    parentSpanId: "b7ad6b7169203331",
    tracestate: "workflow=argo/hello",
    pid: 1,
  };
}

function mainSpans(lines: JournalLine[], more: Partial<MainSpansInput> = {}): OtlpSpan[] {
  const whenUnfinished = {
    endTimeUnixNano: at(99),
    error: { type: "process.lost", message: "the container said nothing more" },
  };
  return buildMainSpans({ lines, containerName: "main", identity: IDENTITY, whenUnfinished, ...more });
}

function waitSpans(lines: JournalLine[], more: Partial<WaitSpansInput> = {}): OtlpSpan[] {
  return buildWaitSpans({ lines, identity: IDENTITY, endTimeUnixNano: at(20), ...more });
}

describe("buildMainSpans", () => {
  it("makes runMainContainer with the ids, times and exit code that the front wrote down", () => {
    const [span, ...others] = mainSpans([
      start("emissary", "00f067aa0ba902b7"),
      { event: "process.start", timeUnixNano: at(1), attempt: 1, pid: 12, command: "sh" },
      { event: "process.end", timeUnixNano: at(5), attempt: 1, exitCode: 0, signal: "" },
      {
        event: "output",
        timeUnixNano: at(6),
        kind: "artifact",
        path: "/tmp/x",
        seconds: 0.5,
        bytes: 123,
        files: 2,
        error: "",
      },
      { event: "end", timeUnixNano: at(7), exitCode: 0 },
    ]);
    expect(others).toEqual([]);
    expect(span).toMatchObject({
      traceId: TRACE,
      spanId: "00f067aa0ba902b7",
      parentSpanId: "b7ad6b7169203331",
      traceState: "workflow=argo/hello",
      name: "runMainContainer",
      kind: 1,
      startTimeUnixNano: at(0),
      endTimeUnixNano: at(7),
      status: {},
    });
    expect(decodeAttributes(span?.attributes)).toEqual({
      name: "hello-world-x7k2p",
      namespace: "argo",
      "cicd.pipeline.name": "hello-world-x7k2p",
      "cicd.pipeline.run.id": "0af76519-16cd-43dd-8448-eb211c80319c",
      "cicd.pipeline.task.name": "hello",
      "cicd.pipeline.task.run.id": "hello-world-x7k2p-1",
      "cicd.system.component": "agent",
      "k8s.container.name": "main",
      "process.exit.code": 0,
    });
    expect(span?.events?.map((event) => [event.name, event.timeUnixNano])).toEqual([
      ["process.start", at(1)],
      ["process.end", at(5)],
      ["pack output", at(6)],
    ]);
    expect(decodeAttributes(span?.events?.[2]?.attributes)).toEqual({
      file: "/tmp/x",
      "argo.output.kind": "artifact",
      "file.size": 123,
      "argo.artifact.files": 2,
      "argo.file.duration": 0.5,
    });
  });

  it("fails the span of a process that exited with a code", () => {
    const [span] = mainSpans([
      start("emissary", "00f067aa0ba902b7"),
      { event: "process.end", timeUnixNano: at(5), attempt: 1, exitCode: 3 },
      { event: "end", timeUnixNano: at(5), exitCode: 3 },
    ]);
    expect(span?.status).toEqual({ code: 2, message: "exit code 3" });
    expect(decodeAttributes(span?.attributes)).toMatchObject({
      "process.exit.code": 3,
      "error.type": "process.exit",
    });
  });

  it.each([
    [143, "SIGTERM", {}],
    [137, "SIGKILL", {}],
    [2, undefined, { code: 2, message: "exit code 2" }],
  ])("makes no failure of a sidecar that was ended after main (exit code %i)", (exitCode, signal, status) => {
    const [span] = mainSpans(
      [
        start("emissary", "00f067aa0ba902b7"),
        { event: "process.end", timeUnixNano: at(5), attempt: 1, exitCode, ...(signal && { signal }) },
        { event: "end", timeUnixNano: at(5), exitCode },
      ],
      { isSidecar: true },
    );
    expect(span?.status).toEqual(status);
    expect(decodeAttributes(span?.attributes)).toMatchObject({ "process.exit.code": exitCode });
  });

  it("names the signal that ended the process", () => {
    const [span] = mainSpans([
      start("emissary", "00f067aa0ba902b7"),
      { event: "signal", timeUnixNano: at(4), signal: "SIGTERM", source: "file" },
      { event: "process.end", timeUnixNano: at(5), attempt: 1, exitCode: 143, signal: "SIGTERM" },
      { event: "end", timeUnixNano: at(5), exitCode: 143 },
    ]);
    expect(span?.status).toEqual({ code: 2, message: "ended by SIGTERM (exit code 143)" });
    expect(decodeAttributes(span?.attributes)).toMatchObject({
      "process.signal": "SIGTERM",
      "error.type": "SIGTERM",
    });
    expect(decodeAttributes(span?.events?.[0]?.attributes)).toEqual({
      "process.signal": "SIGTERM",
      "argo.signal.source": "file",
    });
  });

  it("says what the front itself failed with", () => {
    const [span] = mainSpans([
      start("emissary", "00f067aa0ba902b7"),
      { event: "error", timeUnixNano: at(1), message: "failed to find name in PATH: nosuch" },
      { event: "end", timeUnixNano: at(1), exitCode: 64 },
    ]);
    expect(span?.status).toEqual({ code: 2, message: "failed to find name in PATH: nosuch" });
    expect(decodeAttributes(span?.attributes)["process.exit.code"]).toBe(64);
  });

  it("takes the caller's word for a front that was killed in mid-sentence", () => {
    const text = `${JSON.stringify(start("emissary", "00f067aa0ba902b7"))}\n{"event":"process.st`;
    const [span] = mainSpans(parseJournal(text));
    expect(span?.endTimeUnixNano).toBe(at(99));
    expect(span?.status).toEqual({ code: 2, message: "the container said nothing more" });
    expect(decodeAttributes(span?.attributes)["error.type"]).toBe("process.lost");
  });

  it("does not call a sidecar failed that is still running", () => {
    const [span] = mainSpans([start("emissary", "00f067aa0ba902b7")], {
      whenUnfinished: { endTimeUnixNano: at(30) },
    });
    expect(span).toMatchObject({ endTimeUnixNano: at(30), status: {} });
  });

  it("makes one span for each start of the container", () => {
    const spans = mainSpans([
      start("emissary", "00f067aa0ba902b7"),
      { event: "process.start", timeUnixNano: at(1), attempt: 1, pid: 12, command: "sh" },
      start("emissary", "00f067aa0ba902b8", 10),
      { event: "end", timeUnixNano: at(12), exitCode: 0 },
    ]);
    expect(spans.map((span) => [span.spanId, span.endTimeUnixNano, span.status.code])).toEqual([
      ["00f067aa0ba902b7", at(1), 2],
      ["00f067aa0ba902b8", at(12), undefined],
    ]);
  });

  it("makes nothing of a journal without a start", () => {
    expect(mainSpans([{ event: "end", timeUnixNano: at(1), exitCode: 0 }])).toEqual([]);
  });

  it("never ends a span before it starts, even if clocks differ", () => {
    const [span] = mainSpans([
      start("emissary", "00f067aa0ba902b7", 10),
      { event: "end", timeUnixNano: at(9), exitCode: 0 },
    ]);
    expect(span?.endTimeUnixNano).toBe(at(10));
  });
});

describe("buildWaitSpans", () => {
  const lines: JournalLine[] = [
    start("wait", "1111111111111111"),
    { event: "act.start", timeUnixNano: at(1), act: "begin" },
    { event: "watch.start", timeUnixNano: at(1) },
    {
      event: "act.end",
      timeUnixNano: at(3),
      act: "begin",
      exitCode: 0,
      cpuSeconds: 0.1,
      maxRssBytes: 50_000_000,
    },
    { event: "deadline", timeUnixNano: at(8) },
    { event: "kill", timeUnixNano: at(8), signal: "SIGTERM", containers: ["main"] },
    { event: "watch.end", timeUnixNano: at(9), reason: "completed" },
    { event: "error", timeUnixNano: at(10), message: "no such bucket", code: "s3.no_such_bucket" },
  ];

  it("makes runWaitContainer, and waitWorkload below it, with what happened to the workload", () => {
    const [workload, root] = waitSpans(lines);
    expect(root).toMatchObject({
      spanId: "1111111111111111",
      parentSpanId: "b7ad6b7169203331",
      name: "runWaitContainer",
      startTimeUnixNano: at(0),
      endTimeUnixNano: at(20),
      status: {},
    });
    expect(workload).toMatchObject({
      traceId: TRACE,
      parentSpanId: "1111111111111111",
      name: "waitWorkload",
      startTimeUnixNano: at(1),
      endTimeUnixNano: at(9),
    });
    expect(workload?.events?.map((event) => event.name)).toEqual(["deadline", "kill"]);
  });

  it("tells what the acts cost and which errors were recorded", () => {
    const [, root] = waitSpans(lines);
    expect(root?.events?.map((event) => [event.name, decodeAttributes(event.attributes)])).toEqual([
      [
        "act",
        {
          "argo.act.name": "begin",
          "argo.act.duration": 2,
          "argo.act.cpu_time": 0.1,
          "argo.act.max_rss": 50_000_000,
          "process.exit.code": 0,
        },
      ],
      ["error", { "error.type": "s3.no_such_bucket", "error.message": "no such bucket" }],
    ]);
  });

  it("fails with the error the container will exit with", () => {
    const error = Object.assign(new Error("workflowtaskresults is forbidden"), {
      code: "kubernetes.forbidden",
    });
    const [, root] = waitSpans(lines, { error });
    expect(root?.status).toEqual({ code: 2, message: "workflowtaskresults is forbidden" });
    expect(decodeAttributes(root?.attributes)["error.type"]).toBe("kubernetes.forbidden");
  });

  it("has the same ids when it is made twice", () => {
    expect(waitSpans(lines).map((span) => span.spanId)).toEqual(waitSpans(lines).map((span) => span.spanId));
  });

  it("gives the acts their parents before the spans exist", () => {
    const [workload, root] = waitSpans(lines);
    expect(waitContext(lines)).toMatchObject({ traceId: TRACE, spanId: root?.spanId, traceFlags: 1 });
    expect(waitWorkloadContext(lines)).toMatchObject({ traceId: TRACE, spanId: workload?.spanId });
  });
});

describe("journaledSpans", () => {
  it("gives back the spans that earlier acts left", () => {
    const span = { traceId: TRACE, spanId: "2222222222222222", name: "createTaskResult" };
    expect(
      journaledSpans([
        { event: "span", span },
        { event: "progress", value: "1/2" },
      ]),
    ).toEqual([span]);
  });
});
