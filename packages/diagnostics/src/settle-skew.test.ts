import { describe, expect, it } from "vitest";
import { buildReport } from "./report.ts";
import { settleSkew } from "./settle-skew.ts";
import type { TraceSpan } from "./span.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

const HOUR = 3600;

/** Two steps one after the other, and the second one's machine so many seconds off. */
function twoSteps(offBy: number, { isTraced = true, isOver = true } = {}): TraceSpan[] {
  const builder = createTraceBuilder(`off by ${offBy}`);
  if (isTraced) builder.add({ name: "workflow", at: 0, seconds: 60, attributes: { name: "wf" }, ok: true });
  for (const [id, at, off] of [
    ["wf-1", 0, 0],
    ["wf-2", 30, offBy],
  ] as const) {
    const attributes = { node_id: id, node_name: `wf.${id}`, node_type: "Pod" };
    const node =
      isTraced && isOver ? builder.add({ name: "node", at, seconds: 30, attributes, ok: true }) : undefined;
    const parent = isTraced
      ? builder.add({ name: "createWorkflowPod", at, seconds: 0, parent: node, attributes: { node_id: id } })
      : undefined;
    const facts = {
      parent,
      attributes: { "cicd.pipeline.task.run.id": id },
      resource: { "k8s.pod.name": id, "k8s.node.name": `machine-${id}` },
    };
    const init = builder.add({ name: "runInitContainer", at: at + 5 + off, seconds: 5, ...facts });
    builder.add({
      name: "loadArtifact",
      at: at + 6 + off,
      seconds: 3,
      parent: init,
      events: [{ name: "retry", at: at + 7 + off }],
    });
    const main = builder.add({ name: "runMainContainer", at: at + 10 + off, seconds: 10, ...facts });
    builder.add({ name: "runWaitContainer", at: at + 10 + off, seconds: 20, ...facts });
    builder.add({ name: "tests", at: at + 11 + off, seconds: 8, parent: main });
    builder.add({ name: "build on another machine", at: at + 12, seconds: 5, parent: main });
  }
  return spansOf(builder);
}

function timesOf(spans: readonly TraceSpan[]): unknown {
  return spans.map(({ name, startUnixNano, endUnixNano, events }) => [
    name,
    startUnixNano,
    endUnixNano,
    ...events.map(({ timeUnixNano }) => timeUnixNano),
  ]);
}

describe("settleSkew", () => {
  it("leaves a trace alone whose times can be", () => {
    for (const spans of [spansOf(ciCheckoutTrace()), twoSteps(0), twoSteps(-4), twoSteps(4)]) {
      expect(settleSkew(spans).every((span, index) => span === spans[index])).toBe(true);
    }
  });

  it.each([
    [-3 * HOUR, "behind", "3 h 00 m"],
    [-5 * 60, "behind", "5 m 00 s"],
    [2 * HOUR, "ahead of", "2 h 00 m"],
  ])(
    "shows the pod of a machine that is %i s off at its node's time, and says so once",
    (off, word, amount) => {
      const settled = settleSkew(twoSteps(off));
      expect(timesOf(settled)).toEqual(timesOf(twoSteps(0)));
      const { clocks, traces } = buildReport(settled);
      expect(clocks).toMatchObject([
        {
          name: "runInitContainer",
          problem: `the clock of machine-wf-2 is about ${amount} ${word} the controller's, by which pod wf-2 is shown`,
        },
      ]);
      expect(traces[0]?.seconds).toBe(60);
    },
  );

  it("knows of a run that goes on when its pod was made", () => {
    const { clocks } = buildReport(settleSkew(twoSteps(-3 * HOUR, { isOver: false })));
    expect(clocks.map(({ problem }) => problem)).toEqual([
      expect.stringMatching(/^the clock of machine-wf-2 is about 3 h 00 m behind/),
    ]);
  });

  it("claims nothing where no controller has traced", () => {
    const spans = twoSteps(-3 * HOUR, { isTraced: false }).filter(({ name }) => !name.startsWith("build"));
    expect(settleSkew(spans)).toEqual(spans);
  });

  it("shows a program's span that began before its container where that begins", () => {
    const builder = createTraceBuilder("program");
    const main = builder.add({ name: "runMainContainer", at: 0, seconds: 60 });
    const tests = builder.add({ name: "tests", at: -2 * HOUR, seconds: 20, parent: main });
    builder.add({ name: "case", at: -2 * HOUR + 5, seconds: 1, parent: tests });
    builder.add({ name: "sent on", at: HOUR, seconds: 1, parent: main });
    const settled = settleSkew(spansOf(builder));
    const start = settled[0]?.startUnixNano ?? 0n;
    const seconds = settled.map((span) => Number(span.startUnixNano - start) / 1e9);
    expect(seconds).toEqual([0, 0, 5, HOUR]); // what comes later may go on elsewhere
    expect(settled.map(({ clock }) => clock)).toEqual([
      undefined,
      "its clock is about 2 h 00 m behind its parent's: shown where that begins",
      undefined,
      undefined,
    ]);
  });

  it("does not take a daemon that outlives its node for a clock that is ahead", () => {
    const builder = createTraceBuilder("daemon");
    const attributes = { node_id: "wf-1", node_type: "Pod" };
    const node = builder.add({ name: "node", at: 0, seconds: 30, attributes, ok: true });
    builder.add({ name: "runMainContainer", at: 10, seconds: 2 * HOUR, parent: node });
    const spans = spansOf(builder);
    expect(settleSkew(spans)).toEqual(spans);
  });
});
