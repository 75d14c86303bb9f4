import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { demoFiles } from "../support/demo-repository.ts";
import { createGitRepository } from "../support/git-repository.ts";
import { startGitServer } from "../support/git-server.ts";
import { EXAMPLES, runSkein, type SkeinRun, type Span, WORKFLOW_TIMEOUT_MS } from "./run-skein.ts";

function outputParameter({ summary }: SkeinRun, node: string, name: string): string | undefined {
  const parameters = summary.nodes.find((candidate) => candidate.name === node)?.outputs.parameters;
  return parameters?.find((parameter) => parameter.name === name)?.value;
}

/** The names from a span up to the root of its trace. */
function ancestry(spans: readonly Span[], span: Span | undefined): string[] {
  if (!span) return [];
  const parent = spans.find((candidate) => candidate.spanId === span.parentSpanId);
  return [span.name, ...ancestry(spans, parent)];
}

describe("examples/artifact-passing.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("passes a directory and a parameter from one pod to another, and keeps the logs", async () => {
    const run = await runSkein(join(EXAMPLES, "artifact-passing.yaml"), ["-p", "count=30"]);
    expect(run.exitCode, run.stderr).toBe(0);
    const { summary } = run;
    expect(summary).toMatchObject({ phase: "Succeeded", message: "" });
    expect(summary.nodes.map((node) => [node.type, node.template])).toEqual([
      ["Steps", "main"],
      ["StepGroup", ""],
      ["Pod", "write"],
      ["StepGroup", ""],
      ["Pod", "read"],
    ]);
    expect(outputParameter(run, summary.name, "verdict")).toBe("all 30 letters arrived");
    const written = summary.nodes.find((node) => node.template === "write");
    expect(written?.outputs.artifacts?.map((artifact) => artifact.name)).toEqual(["letters", "main-logs"]);
    expect(Object.keys(summary)).toEqual(["name", "uid", "phase", "message", "nodes"]);
    expect(Object.keys(written ?? {})).toEqual([
      "id",
      "name",
      "template",
      "type",
      "phase",
      "message",
      "startedAt",
      "finishedAt",
      "outputs",
    ]);
  });
});

describe("examples/dag-diamond.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("joins the results of two branches", async () => {
    const run = await runSkein(join(EXAMPLES, "dag-diamond.yaml"), ["-p", "numbers=3 4"]);
    expect(run.exitCode, run.stderr).toBe(0);
    expect(outputParameter(run, run.summary.name, "answer")).toBe("sum 7, product 12");
  });
});

describe("examples/ci-checkout.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("checks out over http, saves, loads in three pods, and shows the user's own spans in one trace", async () => {
    await using repository = await createGitRepository();
    const commit = await repository.commit("Everything", demoFiles(EXAMPLES));
    await using server = await startGitServer(repository.path);
    const run = await runSkein(join(EXAMPLES, "ci-checkout.yaml"), ["-p", `repo=${server.url}/.git`]);
    expect(run.exitCode, run.stderr).toBe(0);
    const { spans, summary } = run;
    expect(outputParameter(run, `${summary.name}.checkout`, "commit")).toBe(commit);
    expect(summary.nodes.find((node) => node.template === "test")?.outputs.result).toBe(
      "800 tests passed, 0 failed",
    );

    // One trace, and every span of it hangs where it would in a cluster.
    expect(new Set(spans.map((span) => span.traceId)).size).toBe(1);
    const find = (name: string, attributes: Record<string, string> = {}): Span | undefined =>
      spans.find(
        (span) =>
          span.name === name &&
          Object.entries(attributes).every(([key, value]) => span.attributes[key] === value),
      );
    expect(ancestry(spans, find("test loom"))).toEqual([
      "test loom",
      "unit tests",
      "runMainContainer",
      "createWorkflowPod",
      "node",
      "node",
      "workflow",
    ]);
    expect(ancestry(spans, find("saveArtifact", { "argo.artifact.name": "source" })).slice(0, 4)).toEqual([
      "saveArtifact",
      "saveArtifacts",
      "runWaitContainer",
      "createWorkflowPod",
    ]);
    expect(spans.filter((span) => span.parentSpanId === undefined).map((span) => span.name)).toEqual([
      "workflow",
    ]);
    expect(new Set(spans.map((span) => span.service))).toEqual(
      new Set(["workflow-controller", "argoexec", "weaver-ci"]),
    );
    const drivers = spans
      .filter((span) => span.name === "loadArtifact" && span.attributes["argo.artifact.name"] === "source")
      .map((span) => span.attributes["argo.artifact.driver"]);
    expect(drivers.toSorted()).toEqual(["git", "s3", "s3", "s3"]);

    // The order in which a person reads it.
    const order = ["✔ Succeeded", "Waterfall", "Load against save", "trace.html"];
    const places = order.map((text) => run.stdout.indexOf(text));
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places[0]).toBeGreaterThanOrEqual(0);

    expect(readdirSync(run.directory).toSorted()).toEqual([
      ".skein-run", // what the next run knows the directory by
      "api",
      "pods",
      "summary.json",
      "trace.html",
      "trace.jsonl",
    ]);
    expect(readdirSync(join(run.directory, "api"))).toHaveLength(4);
    expect(readFileSync(join(run.directory, "trace.html"), "utf8")).toContain("test loom");
    expect(existsSync(join(run.directory, "lab"))).toBe(false);
  });
});
