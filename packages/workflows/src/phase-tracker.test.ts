import type { OtlpSpan } from "@skein/telemetry";
import { describe, expect, it } from "vitest";
import { createPhaseTracker } from "./phase-tracker.ts";
import { at, ms, newNode, newPod, newWorkflow } from "./testing/objects.ts";
import { workflowSpans } from "./workflow-spans.ts";

function tell(spans: readonly OtlpSpan[]): string[] {
  return spans.map((span) => {
    const [phase = "", message = ""] = ["phase", "message"].map(
      (key) => span.attributes?.find((pair) => pair.key === key)?.value.stringValue,
    );
    const seconds = (nanos: string): number => (Number(nanos) / 1e6 - ms(0)) / 1000;
    return [span.name, phase, message, `${seconds(span.startTimeUnixNano)}-${seconds(span.endTimeUnixNano)}`]
      .filter(Boolean)
      .join(" ");
  });
}

const pending = (message: string) => newNode({ name: "wf", phase: "Pending", message, finishedAt: null });
const running = newNode({ name: "wf", phase: "Running", finishedAt: null });
const succeeded = newNode({ name: "wf", finishedAt: at(40) });

describe("createPhaseTracker", () => {
  it("tells each phase as it ends, with what a pod was pending for", () => {
    const tracker = createPhaseTracker();
    expect(
      tell(tracker.update(newWorkflow("Running", [pending("Unschedulable: 0/3 nodes")]), [], ms(3))),
    ).toEqual(["workflowPhase Pending 0-2"]);
    expect(tracker.update(newWorkflow("Running", [pending("PodInitializing")]), [], ms(20))).toEqual([]);
    expect(tell(tracker.update(newWorkflow("Running", [running]), [], ms(25)))).toEqual([
      "nodePhase Pending Unschedulable 2-25",
    ]);
    expect(tell(tracker.update(newWorkflow("Succeeded", [succeeded], 41), [], ms(41)))).toEqual([
      "workflowPhase Running 2-41",
      "nodePhase Running 25-40",
      "node 2-40",
      "workflow 0-41",
    ]);
  });

  it("believes the pod more than the clock of whoever looks", () => {
    const tracker = createPhaseTracker();
    tracker.update(newWorkflow("Running", [pending("")]), [], ms(3));
    expect(tell(tracker.update(newWorkflow("Running", [running]), [newPod("wf", 12)], ms(25)))).toEqual([
      "nodePhase Pending 2-12",
    ]);
  });

  it("makes the spans that the finished objects would give, so that doing both changes nothing", () => {
    const tracker = createPhaseTracker();
    const pods = [newPod("wf", 12)];
    const seen = [
      ...tracker.update(newWorkflow("Running", [pending("")]), [], ms(3)),
      ...tracker.update(newWorkflow("Running", [running]), pods, ms(25)),
      ...tracker.update(newWorkflow("Succeeded", [succeeded], 41), pods, ms(41)),
    ];
    const byId = (spans: readonly OtlpSpan[]) => spans.toSorted((a, b) => (a.spanId < b.spanId ? -1 : 1));
    expect(byId(seen)).toEqual(byId(workflowSpans(newWorkflow("Succeeded", [succeeded], 41), pods)));
  });

  it("claims nothing of the beginning of what ran already when it first looked", () => {
    const tracker = createPhaseTracker();
    expect(tell(tracker.update(newWorkflow("Running", [running]), [], ms(25)))).toEqual([
      "workflowPhase Pending 0-2",
    ]);
    expect(tell(tracker.update(newWorkflow("Running", [succeeded]), [], ms(41)))).toEqual(["node 2-40"]);
  });

  it("tells of a pod that failed without ever running", () => {
    const tracker = createPhaseTracker();
    tracker.update(newWorkflow("Running", [pending("ErrImagePull: no such image")]), [], ms(10));
    const failed = newNode({ name: "wf", phase: "Error", finishedAt: at(40) });
    expect(tell(tracker.update(newWorkflow("Running", [failed]), [], ms(41)))).toEqual([
      "nodePhase Pending ErrImagePull 2-40",
      "node 2-40",
    ]);
  });

  it("says nothing twice", () => {
    const tracker = createPhaseTracker();
    const done = newWorkflow("Succeeded", [succeeded], 41);
    expect(tracker.update(done, [], ms(41))).not.toEqual([]);
    expect(tracker.update(done, [], ms(42))).toEqual([]);
  });

  it("asks for pods only when a node with a pod has changed", () => {
    const tracker = createPhaseTracker();
    const workflow = newWorkflow("Running", [running]);
    expect(tracker.wantsPods(workflow)).toBe(true);
    tracker.update(workflow, [], ms(5));
    expect(tracker.wantsPods(workflow)).toBe(false);
    expect(tracker.wantsPods(newWorkflow("Running", [succeeded]))).toBe(true);
    expect(
      createPhaseTracker().wantsPods(newWorkflow("Running", [newNode({ name: "wf", type: "DAG" })])),
    ).toBe(false);
  });
});
