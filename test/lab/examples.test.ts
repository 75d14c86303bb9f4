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

describe("examples/container-set.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("runs the containers of a pod in the order of their dependencies, and saves what main leaves", async () => {
    const run = await runSkein(join(EXAMPLES, "container-set.yaml"), ["-p", "fibres=5"]);
    expect(run.exitCode, run.stderr).toBe(0);
    const { summary, spans, files } = run;
    expect(outputParameter(run, summary.name, "length")).toBe("3");
    expect(summary.nodes[0]?.outputs.artifacts?.[0]?.s3?.key).toBe(`${summary.name}/${summary.name}/yarn`);
    expect(summary.nodes.slice(1).map(({ name, type, phase }) => [name, type, phase])).toEqual(
      ["card", "spin-odd", "spin-even", "ply", "main"].map((name) => [
        `${summary.name}.${name}`,
        "Container",
        "Succeeded",
      ]),
    );
    expect(files.get(`${summary.name}/ply.log`)).toContain("fibre 1~fibre 2\nfibre 3~fibre 4\nfibre 5~\n");
    const ran = spans.filter((span) => span.name === "runMainContainer");
    expect(ran.map((span) => span.attributes["process.exit.code"])).toEqual(["0", "0", "0", "0", "0"]);
  });
});

describe("examples/sidecar.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("has a server beside main, and ends it when main has its answers", async () => {
    const run = await runSkein(join(EXAMPLES, "sidecar.yaml"), ["-p", "words=warp selvedge"]);
    expect(run.exitCode, run.stderr).toBe(0);
    const { summary, files } = run;
    expect(outputParameter(run, summary.name, "answers")).toBe("warp: 4 letters\nselvedge: 8 letters");
    expect([...files.keys()].filter((name) => name.endsWith(".log")).toSorted()).toEqual(
      ["counter", "init", "main", "prepare", "wait"].map((name) => `${summary.name}/${name}.log`),
    );
  });
});

describe("examples/retry.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("tries again until it holds, each time in a pod of its own", async () => {
    const run = await runSkein(join(EXAMPLES, "retry.yaml"), ["-p", "breaks=1"]);
    expect(run.exitCode, run.stderr).toBe(0);
    const { summary, files } = run;
    const pull = `${summary.name}[0].pull`;
    const attempts = summary.nodes.filter((node) => node.name.startsWith(pull));
    expect(attempts.map(({ name, type, phase, outputs }) => [name, type, phase, outputs.result])).toEqual([
      [pull, "Retry", "Succeeded", "held at attempt 1, after exit code 3"],
      [`${pull}(0)`, "Pod", "Failed", ""],
      [`${pull}(1)`, "Pod", "Succeeded", "held at attempt 1, after exit code 3"],
    ]);
    const pods = new Set([...files.keys()].map((name) => name.split("/")[0]));
    expect(pods.size).toBe(3);
  });
});

describe("examples/archive-logs.yaml", { timeout: WORKFLOW_TIMEOUT_MS }, () => {
  it("keeps the logs of those who did not say no, one for each container", async () => {
    const run = await runSkein(join(EXAMPLES, "archive-logs.yaml"));
    expect(run.exitCode, run.stderr).toBe(0);
    const kept = run.summary.nodes
      .filter((node) => node.type === "Pod")
      .map(({ template, outputs }) => [
        template,
        (outputs.artifacts ?? []).map(({ name }) => name).toSorted(),
      ]);
    expect(Object.fromEntries(kept)).toEqual({
      loud: ["main-logs"],
      discreet: [],
      pair: ["first-logs", "main-logs"],
    });
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

describe("every example", () => {
  const names = readdirSync(EXAMPLES).filter((name) => name.endsWith(".yaml"));

  it.each(names)(
    "says in its head how it is run, with the parameters that have no value: %s",
    async (name) => {
      const text = readFileSync(join(EXAMPLES, name), "utf8");
      const head = text.split("\n").filter((line) => line.startsWith("#"));
      const command = head.find((line) => line.includes(`npx skein run examples/${name}`)) ?? "";
      expect(command).not.toBe("");
      const needed = [...text.matchAll(/^ {6}- name: (\S+)\n(?! {8}value:)/gm)].flatMap(([, needs = ""]) =>
        text.indexOf(`- name: ${needs}`) < text.indexOf("templates:") ? [needs] : [],
      );
      for (const parameter of needed) expect(command).toContain(`-p ${parameter}=`);
      if (needed.length === 0) return;
      const { exitCode, stderr } = await runSkein(join(EXAMPLES, name));
      expect(exitCode).toBe(2);
      expect(stderr).toMatch(
        new RegExp(`parameter "${needed[0]}" needs a value; give it one with -p ${needed[0]}=`),
      );
    },
  );
});
