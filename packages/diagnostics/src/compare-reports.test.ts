import { describe, expect, it } from "vitest";
import { compareReports, diffSentence } from "./compare-reports.ts";
import { buildReport, type Report } from "./report.ts";
import { renderDiffTerminal } from "./terminal/diff.ts";
import { widthOf } from "./terminal/text.ts";
import { spansOf } from "./testing/parse-documents.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

interface Run {
  name: string;
  rate?: number;
  bytes?: number;
  main?: number;
  pending?: number;
  retries?: number;
  fails?: boolean;
  extraStep?: string;
}

/** A workflow with one step that loads a model and works on it. */
function report({
  name,
  rate = 100e6,
  bytes = 1e9,
  main = 5,
  pending = 1,
  retries = 0,
  fails,
  extraStep,
}: Run): Report {
  const load = bytes / rate;
  const builder = createTraceBuilder(name);
  const whole = pending + load + main + (extraStep ? 1 : 0);
  builder.add({ name: "workflow", at: 0, seconds: whole, attributes: { name }, ok: true });
  const node = builder.add({
    name: "node",
    at: 0,
    seconds: pending + load + main,
    attributes: { node_id: `${name}-1`, node_name: `${name}.train`, node_type: "Pod" },
    ok: true,
  });
  builder.add({
    name: "nodePhase",
    at: 0,
    seconds: pending,
    parent: node,
    attributes: {
      node_id: `${name}-1`,
      node_phase: "Pending",
      ...(pending > 1 ? { message: "ErrImagePull" } : {}),
    },
  });
  const init = builder.add({ name: "runInitContainer", at: pending, seconds: load, parent: node });
  builder.add({
    name: "loadArtifact",
    at: pending,
    seconds: load,
    parent: init,
    attributes: {
      "argo.artifact.name": "model",
      "argo.artifact.driver": "s3",
      "argo.artifact.bytes": bytes,
      "argo.artifact.retries": retries,
      "argo.artifact.time.network": load * 0.9,
      "argo.artifact.time.disk": load * 0.1,
      "argo.artifact.bound_by": "network",
    },
    ...(fails ? { error: { message: "no such key", type: "s3.no_such_key" } } : {}),
  });
  builder.add({ name: "runMainContainer", at: pending + load, seconds: main, parent: node });
  if (extraStep) {
    builder.add({
      name: "node",
      at: whole - 1,
      seconds: 1,
      attributes: { node_id: `${name}-2`, node_name: `${name}.${extraStep}`, node_type: "Pod" },
      ok: true,
    });
  }
  return buildReport(spansOf(builder));
}

const before = report({ name: "wf-a" });

describe("compareReports", () => {
  it("names the artifact that got slower, by how much, and at what rate", () => {
    const diff = compareReports(before, report({ name: "wf-b", rate: 25e6 }));
    expect(diff.seconds).toEqual({ before: 16, after: 46 });
    expect(diff.path[0]).toMatchObject({ label: "train", part: "load", before: 10, after: 40 });
    expect(diff.transfers).toMatchObject([
      {
        label: "train",
        name: "model",
        direction: "load",
        before: 10,
        after: 40,
        why: "36.0 s instead of 9.00 s on the network (25.0 MB/s instead of 100 MB/s)",
      },
    ]);
    expect(diffSentence(diff)).toBe(
      "The second run took 30.0 s longer (46.0 s against 16.0 s, 2.9×); most of it is loading in train (+30.0 s).",
    );
  });

  it("says that there was more to move, before anything else", () => {
    const diff = compareReports(before, report({ name: "wf-b", bytes: 3e9, retries: 2 }));
    expect(diff.transfers[0]?.why).toMatch(
      /^3\.00 GB on the wire instead of 1\.00 GB, 2 retries instead of 0, /,
    );
  });

  it("has differences that add up to that of the runs", () => {
    const diff = compareReports(
      before,
      report({ name: "wf-b", rate: 50e6, main: 9, pending: 30, extraStep: "notify" }),
    );
    const sum = diff.path.reduce((total, change) => total + change.after - change.before, 0);
    expect(sum).toBeCloseTo(diff.seconds.after - diff.seconds.before, 6);
  });

  it("says what pods were pending for", () => {
    const diff = compareReports(before, report({ name: "wf-b", pending: 30 }));
    expect(diff.path[0]).toMatchObject({ part: "pending", why: "ErrImagePull" });
  });

  it("lists steps that only one run has, and new failures", () => {
    const diff = compareReports(before, report({ name: "wf-b", fails: true, extraStep: "notify" }));
    expect(diff).toMatchObject({
      onlyBefore: [],
      onlyAfter: ["notify"],
      newFailures: ["train: s3.no_such_key: no such key"],
    });
    expect(diff.transfers).toEqual([]);
    expect(compareReports(report({ name: "wf-b", extraStep: "notify" }), before).onlyBefore).toEqual([
      "notify",
    ]);
  });

  it("calls equal runs equal", () => {
    const diff = compareReports(before, report({ name: "wf-b", main: 5.2 }));
    expect(diffSentence(diff)).toBe("Both runs took about as long (16.2 s against 16.0 s).");
    expect(diff.transfers).toEqual([]);
  });
});

describe("renderDiffTerminal", () => {
  const diff = compareReports(
    before,
    report({ name: "wf-b", rate: 25e6, pending: 30, fails: true, extraStep: "notify" }),
  );

  it("reads like this", () => {
    expect(renderDiffTerminal(diff, { columns: 90 }).split("\n")).toEqual([
      "wf-a (Succeeded)  →  wf-b (Succeeded)",
      "The second run took 60.0 s longer (76.0 s against 16.0 s, 4.8×); most of it is loading in",
      "train (+30.0 s).",
      "",
      "On the critical path",
      "     +30.0 s  loading in train  10.0 s → 40.0 s",
      "              model: failed: s3.no_such_key: no such key, 36.0 s instead of 9.00 s on the",
      "              network (25.0 MB/s instead of 100 MB/s)",
      "     +29.0 s  waiting for the pod of train  1.00 s → 30.0 s",
      "              ErrImagePull",
      "     +1.00 s  the untraced pod of notify  0 s → 1.00 s",
      "",
      "Only in the second",
      "  notify",
      "",
      "Failed in the second only",
      "  train: s3.no_such_key: no such key",
      "",
    ]);
  });

  it.each([60, 80, 200])("keeps within %i columns", (columns) => {
    for (const line of renderDiffTerminal(diff, { columns }).split("\n"))
      expect(widthOf(line)).toBeLessThanOrEqual(columns);
  });
});
