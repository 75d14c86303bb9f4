import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { outputs, POD, run, type Scripted } from "./run-scripted.ts";

describe("a steps template", () => {
  it("runs groups one after the other and names nodes the way Argo does", async () => {
    const { phases, nodes } = await run(
      `- {name: main, steps: [[{name: a, template: pod}, {name: b, template: pod}], [{name: c, template: pod}]]}\n${POD}`,
    );
    expect(phases).toEqual({
      wf: "Succeeded",
      "wf[0]": "Succeeded",
      "wf[0].a": "Succeeded",
      "wf[0].b": "Succeeded",
      "wf[1]": "Succeeded",
      "wf[1].c": "Succeeded",
    });
    expect(nodes.map((node) => node.type)).toEqual(["Steps", "StepGroup", "Pod", "Pod", "StepGroup", "Pod"]);
  });

  it("lets the siblings of a failed step end, then fails without starting the next group", async () => {
    const { phases, nodes } = await run(
      `- {name: main, steps: [[{name: a, template: pod}, {name: b, template: pod}], [{name: c, template: pod}]]}\n${POD}`,
      { outcomes: { a: { phase: "Failed", message: "main: Error (exit code 1)" } } },
    );
    expect(phases).toEqual({ wf: "Failed", "wf[0]": "Failed", "wf[0].a": "Failed", "wf[0].b": "Succeeded" });
    expect(nodes[0]?.message).toBe(`child '${nodes[2]?.id}' failed`);
  });

  it("passes results, parameters, exit codes and artifacts on, and asks for results only where they are wanted", async () => {
    const { pods, nodes } = await run(
      `- name: main
  steps:
    - [{name: a, template: make}]
    - - name: b
        template: take
        arguments:
          parameters: [{name: p, value: "{{steps.a.outputs.result}}/{{steps.a.outputs.parameters.x}}/{{steps.a.exitCode}}"}]
          artifacts: [{name: in, from: "{{steps.a.outputs.artifacts.out}}"}]
  outputs:
    parameters: [{name: r, valueFrom: {parameter: "{{steps.a.outputs.parameters.x}}"}}]
    artifacts: [{name: renamed, from: "{{steps.a.outputs.artifacts.out}}"}]
- name: make
  outputs: {parameters: [{name: x, valueFrom: {path: /x}}], artifacts: [{name: out, path: /out, archive: {none: {}}}]}
  container: {command: [x]}
- name: take
  inputs: {parameters: [{name: p}], artifacts: [{name: in, path: /in, mode: 420}]}
  container: {command: [cat, "{{inputs.artifacts.in.path}}", "{{inputs.parameters.p}}"]}`,
      {
        outcomes: {
          a: outputs({
            result: "res",
            exitCode: "0",
            parameters: [{ name: "x", value: "par" }],
            artifacts: [{ name: "out", path: "/out", archive: { none: {} }, s3: { key: "k/out" } }],
          }),
        },
      },
    );
    expect(pods.map((pod) => pod.includeScriptOutput)).toEqual([true, false]);
    expect(pods[1]?.template.container?.command).toEqual(["cat", "/in", "res/par/0"]);
    // How it was packed comes with the artifact; where it goes is the consumer's.
    expect(pods[1]?.template.inputs).toEqual({
      artifacts: [{ name: "in", path: "/in", mode: 420, archive: { none: {} }, s3: { key: "k/out" } }],
    });
    expect(nodes[0]?.outputs).toMatchObject({
      parameters: [{ name: "r", value: "par" }],
      artifacts: [{ name: "renamed", s3: { key: "k/out" } }],
    });
  });

  it("runs a template within a template, with its own inputs", async () => {
    const { phases, pods } = await run(
      `- {name: main, steps: [[{name: outer, template: inner, arguments: {parameters: [{name: q, value: deep}]}}]]}
- name: inner
  inputs: {parameters: [{name: q}]}
  steps: [[{name: leaf, template: pod, arguments: {parameters: [{name: p, value: "{{inputs.parameters.q}}"}]}}]]
${POD}`,
    );
    expect(phases["wf[0].outer[0].leaf"]).toBe("Succeeded");
    expect(pods[0]?.template.container?.command).toEqual(["echo", "deep"]);
  });
});

describe("a dag template", () => {
  const DIAMOND = `- name: main
  dag:
    tasks: [{name: a, template: pod}, {name: b, template: pod, depends: a}, {name: c, template: pod, dependencies: [a]}, {name: d, template: pod, depends: b && c}]
${POD}`;

  it("starts a task as soon as those it waits for are done, and not before", async () => {
    const started: string[] = [];
    await run(DIAMOND, { onPod: ({ node }) => void started.push(node.displayName) });
    expect([started[0], started.slice(1, 3).toSorted(), started[3]]).toEqual(["a", ["b", "c"], "d"]);
  });

  it("runs tasks that do not wait for each other side by side", async () => {
    let together = 0;
    let most = 0;
    await run(DIAMOND, {
      onPod: async () => {
        together += 1;
        most = Math.max(most, together);
        await sleep(5);
        together -= 1;
      },
    });
    expect(most).toBe(2);
  });

  it("omits what depends on a failed task, and takes over its phase", async () => {
    const { phases, nodes } = await run(DIAMOND, { outcomes: { b: { phase: "Error", message: "init: …" } } });
    expect(phases).toMatchObject({ wf: "Error", "wf.b": "Error", "wf.c": "Succeeded", "wf.d": "Omitted" });
    expect(nodes.at(-1)).toMatchObject({ type: "Skipped", message: "omitted: depends condition not met" });
  });

  it("begins nothing new after a failure, unless failFast is off", async () => {
    const two = (failFast: boolean): string => `- name: main
  dag:
    failFast: ${failFast}
    tasks: [{name: bad, template: pod}, {name: slow, template: pod}, {name: after, template: pod, depends: slow}]
${POD}`;
    const scripted: Scripted = {
      outcomes: { bad: { phase: "Failed" } },
      onPod: async ({ node }) => void (node.displayName === "slow" && (await sleep(5))),
    };
    expect((await run(two(true), scripted)).phases["wf.after"]).toBe("Omitted");
    const patient = (await run(two(false), scripted)).phases;
    expect(patient).toMatchObject({ "wf.after": "Succeeded", wf: "Failed" });
  });
});

describe("a pod template", () => {
  it("is rendered as a controller renders it", async () => {
    const { pods } = await run(
      `- name: main
  inputs: {parameters: [{name: p, default: x}]}
  metadata: {annotations: {skein.dev/trace: files}}
  outputs: {artifacts: [{name: a, path: /a}]}
  container: {image: i, command: [sh, "{{node.name}}", "{{pod.name}}", "{{workflow.namespace}}"], args: ["{{inputs.parameters.p}}", "{{outputs.artifacts.a.path}}"]}`,
      {},
      "archiveLogs: true",
    );
    expect(pods[0]?.podName).toBe("wf");
    expect(pods[0]?.template).toEqual({
      name: "main",
      inputs: {},
      outputs: { artifacts: [{ name: "a", path: "/a" }] },
      metadata: { annotations: { "skein.dev/trace": "files" } },
      container: { image: "i", command: ["sh", "wf", "wf", "argo"], args: ["x", "/a"] },
      archiveLocation: {
        archiveLogs: true,
        s3: { endpoint: "s3:9000", bucket: "b", insecure: true, key: "wf/wf" },
      },
    });
  });

  it("has no archive location when it has nothing to archive", async () => {
    const { pods } = await run("- {name: main, container: {command: [x]}}");
    expect(pods[0]?.template).not.toHaveProperty("archiveLocation");
  });

  it("keeps a whole location of its own, and then only its own wish about logs counts", async () => {
    const own = "{s3: {endpoint: e, bucket: o, key: k}}";
    const { pods } = await run(
      `- {name: main, archiveLocation: ${own}, container: {command: [x]}}`,
      {},
      "archiveLogs: true",
    );
    expect(pods[0]?.template.archiveLocation).toEqual({ s3: { endpoint: "e", bucket: "o", key: "k" } });
  });

  it("leaves an optional artifact that nobody produced without a location, and is an error for any other", async () => {
    const templates = (optional: boolean): string => `- name: main
  steps:
    - [{name: a, template: make}]
    - [{name: b, template: take, arguments: {artifacts: [{name: in, from: "{{steps.a.outputs.artifacts.out}}"}]}}]
- {name: make, outputs: {artifacts: [{name: out, path: /out, optional: true}]}, container: {command: [x]}}
- {name: take, inputs: {artifacts: [{name: in, path: /in, optional: ${optional}}]}, container: {command: [x]}}`;
    const { pods } = await run(templates(true));
    expect(pods[1]?.template.inputs?.artifacts).toEqual([{ name: "in", path: "/in", optional: true }]);
    const { nodes, phases } = await run(templates(false));
    expect(phases["wf[1].b"]).toBe("Error");
    expect(nodes.at(-1)?.message).toBe('artifact "in" was not produced: {{steps.a.outputs.artifacts.out}}');
  });

  it("has the earliest of all deadlines", async () => {
    const before = Date.now();
    const { pods } = await run(
      "- {name: main, activeDeadlineSeconds: 10, timeout: 5s, container: {command: [x]}}",
      {},
      "activeDeadlineSeconds: 999999999",
    );
    const deadline = pods[0]?.deadline?.getTime() ?? 0;
    expect(deadline).toBeGreaterThanOrEqual(before + 5_000);
    expect(deadline).toBeLessThan(before + 9_000);
    expect((await run(POD.replace("pod", "main"))).pods[0]?.deadline).toBeUndefined();
  });
});

describe("the workflow as a whole", () => {
  it("runs no more pods at a time than parallelism says", async () => {
    let together = 0;
    let most = 0;
    const steps = ["a", "b", "c", "d"].map((name) => `{name: ${name}, template: pod}`).join(", ");
    const { phases } = await run(
      `- {name: main, steps: [[${steps}]]}\n${POD}`,
      {
        onPod: async () => {
          together += 1;
          most = Math.max(most, together);
          await sleep(2);
          together -= 1;
        },
      },
      "parallelism: 2",
    );
    expect(most).toBe(2);
    expect(phases.wf).toBe("Succeeded");
  });

  it("starts nothing once it has been stopped", async () => {
    const stop = new AbortController();
    const { phases, pods } = await run(
      `- {name: main, dag: {failFast: false, tasks: [{name: a, template: pod}, {name: b, template: pod, depends: a}]}}\n${POD}`,
      { signal: stop.signal, onPod: () => stop.abort() },
    );
    expect(pods).toHaveLength(1);
    expect(phases).toMatchObject({ "wf.b": "Failed", wf: "Failed" });
  });

  it("turns a pod that could not be run into an error of its node", async () => {
    const { nodes } = await run(POD.replace("pod", "main"), {
      onPod: () => {
        throw new Error("no space left on device");
      },
    });
    expect(nodes[0]).toMatchObject({ phase: "Error", message: "no space left on device" });
  });
});
