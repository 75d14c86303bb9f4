import { describe, expect, it } from "vitest";
import type { WorkflowNode } from "./node.ts";
import { outputs, POD, run } from "./run-scripted.ts";

describe("a template with a retryStrategy", () => {
  const retried = (strategy: string): string =>
    `- {name: main, retryStrategy: ${strategy}, container: {command: [x, "{{retries}}", "{{lastRetry.exitCode}}", "{{lastRetry.status}}"]}}`;
  const FAILED = {
    phase: "Failed",
    message: "main: Error (exit code 3)",
    outputs: { exitCode: "3" },
  } as const;
  const messageOf = ({ nodes }: { nodes: WorkflowNode[] }): string =>
    `${nodes[0]?.phase}: ${nodes[0]?.message}`;

  it("makes each attempt a pod of its own, and ends as the last of them did", async () => {
    const { nodes, pods } = await run(retried("{limit: 2}"), {
      attempts: [FAILED, outputs({ result: "held", exitCode: "0" })],
    });
    expect(nodes.map(({ name, displayName, type, phase }) => [name, displayName, type, phase])).toEqual([
      ["wf", "wf", "Retry", "Succeeded"],
      ["wf(0)", "wf(0)", "Pod", "Failed"],
      ["wf(1)", "wf(1)", "Pod", "Succeeded"],
    ]);
    expect(nodes[0]?.outputs?.result).toBe("held");
    // Names are the hashes of the attempts' nodes, as a controller's are.
    expect(pods.map(({ podName, node }) => [podName, node.id])).toEqual([
      ["wf-main-200985491", "wf-200985491"],
      ["wf-main-805126870", "wf-805126870"],
    ]);
    expect(pods.map(({ template }) => template.container?.command?.slice(1))).toEqual([
      ["0", "0", ""],
      ["1", "3", "Failed"],
    ]);
  });

  it("gives up after its limit, and says so", async () => {
    const result = await run(retried("{limit: '1'}"), { attempts: [FAILED, FAILED, FAILED] });
    expect(result.pods).toHaveLength(2);
    expect(messageOf(result)).toBe("Failed: No more retries left");
    expect(result.nodes[0]?.outputs?.exitCode).toBe("3");
  });

  it.each([
    ["OnFailure", FAILED, 2],
    ["OnFailure", { phase: "Error", message: "init: …" }, 1],
    ["OnError", { phase: "Error", message: "init: …" }, 2],
    ["OnError", FAILED, 1],
    ["Always", { phase: "Error", message: "init: …" }, 2],
    ["OnTransientError", FAILED, 1],
    ["OnTransientError", { phase: "Error", message: "wait: dial tcp: i/o timeout" }, 2],
  ] as const)("with the policy %s after %o makes %i attempts", async (policy, outcome, attempts) => {
    const { pods } = await run(retried(`{limit: 1, retryPolicy: ${policy}}`), {
      attempts: [outcome, outcome],
    });
    expect(pods).toHaveLength(attempts);
  });

  it("waits between attempts, longer each time, and not beyond its longest duration", async () => {
    const times: number[] = [];
    const backoff = "{duration: 20ms, factor: 3, cap: 40ms, maxDuration: 10s}";
    await run(retried(`{limit: 2, backoff: ${backoff}}`), {
      attempts: [FAILED, FAILED, FAILED],
      onPod: () => void times.push(performance.now()),
    });
    const [first = 0, second = 0, third = 0] = times;
    expect(second - first).toBeGreaterThanOrEqual(19);
    expect(third - second).toBeGreaterThanOrEqual(39);
    const short = await run(retried("{limit: 9, backoff: {duration: 1m, maxDuration: 30s}}"), {
      attempts: [FAILED],
    });
    expect(messageOf(short)).toBe("Failed: Backoff would exceed max duration limit");
    expect(short.pods[0]?.deadline?.getTime()).toBeLessThanOrEqual(Date.now() + 30_000);
  });

  it("stops waiting when the workflow is stopped", async () => {
    const stop = new AbortController();
    const result = await run(retried("{limit: 9, backoff: {duration: 1h}}"), {
      attempts: [FAILED],
      signal: stop.signal,
      onPod: () => void setTimeout(() => stop.abort(), 5),
    });
    expect(messageOf(result)).toBe("Failed: the workflow was stopped before the next attempt");
  });

  it("takes its numbers from parameters, and says which of them is none", async () => {
    const text = (limit: string): string =>
      `- {name: main, inputs: {parameters: [{name: n, value: ${limit}}]}, retryStrategy: {limit: "{{inputs.parameters.n}}"}, container: {command: [x]}}`;
    expect((await run(text("2"), { attempts: [FAILED, FAILED, FAILED] })).pods).toHaveLength(3);
    expect(messageOf(await run(text("few")))).toBe(
      'Error: retryStrategy.limit must be a whole number, not "few"',
    );
  });

  it("passes the result of the last attempt on, and tries whole graphs again, too", async () => {
    const { pods, phases } = await run(
      `- {name: main, retryStrategy: {limit: 1}, steps: [[{name: a, template: a}], [{name: b, template: pod, arguments: {parameters: [{name: p, value: "{{steps.a.outputs.result}}"}]}}]]}
- {name: a, retryStrategy: {limit: 1}, container: {command: [x]}}
${POD}`,
      { attempts: [FAILED, outputs({ result: "r" }), FAILED, outputs({ result: "s" })] },
    );
    expect(pods.map(({ node }) => node.name)).toEqual([
      "wf(0)[0].a(0)",
      "wf(0)[0].a(1)",
      "wf(0)[1].b",
      "wf(1)[0].a(0)",
      "wf(1)[1].b",
    ]);
    expect(pods.at(-1)?.template.container?.command).toEqual(["echo", "s"]);
    expect(phases.wf).toBe("Succeeded");
  });
});
