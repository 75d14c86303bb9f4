import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import type { CollectedSpan } from "../cluster/collector.ts";
import { objectOf } from "./objects.ts";
import type { StepEnd } from "./run-step.ts";
import type { World } from "./world.ts";

/** Each part of a step that succeeded as it should: exit codes, messages, the task result's label, the verdict. */
export function assertSucceeded(end: StepEnd): void {
  assert.deepEqual(end.verdict, { phase: "Succeeded", message: "" }, logsOf(end));
  for (const [name, { exitCode, message }] of Object.entries(end.status.containers)) {
    assert.equal(exitCode, 0, `exit code of ${name}`);
    assert.equal(message, "", `termination message of ${name}`);
  }
  assertComplete(end);
}

/** The task result is the node's, belongs to the workflow and says that everything has been reported. */
export function assertComplete({ result, step }: StepEnd): void {
  assert.ok(result, "there is no task result");
  const { labels, ownerReferences } = result.metadata;
  assert.deepEqual(labels, {
    "workflows.argoproj.io/workflow": step.workflow.name,
    "workflows.argoproj.io/report-outputs-completed": "true",
  });
  assert.deepEqual(ownerReferences, [
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      name: step.workflow.name,
      uid: step.workflow.uid,
    },
  ]);
}

/** The log of a container is archived as an object and reported as an artifact. */
export function assertArchivedLog(
  world: World,
  { step, result }: StepEnd,
  container: string,
  text: string,
): void {
  const key = `${step.workflow.name}/${step.podName}/${container}.log`;
  const artifact = result?.outputs?.artifacts?.find(({ name }) => name === `${container}-logs`);
  assert.deepEqual(artifact, { name: `${container}-logs`, s3: { key } });
  assert.equal(objectOf(world, key)?.toString(), text);
}

/** Its exit code and its termination message, which may be a pattern. */
export function assertEnded(
  end: StepEnd,
  container: string,
  exitCode: number,
  message: string | RegExp = "",
): void {
  const terminated = end.status.containers[container];
  assert.ok(terminated, `${container} never ran`);
  assert.equal(terminated.exitCode, exitCode, `exit code of ${container}\n${logsOf(end)}`);
  if (typeof message === "string") assert.equal(terminated.message, message);
  else assert.match(terminated.message, message);
}

const SOON_MS = 60_000;
const POLL_MS = 50;

/** For what comes by way of the collector: tries again until it holds, and fails with the last complaint. */
export async function assertSoon(check: () => void): Promise<void> {
  const deadline = Date.now() + SOON_MS;
  for (;;) {
    try {
      check();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
    }
    await delay(POLL_MS);
  }
}

/** The first of the trace's spans with that name. */
export function spanOf(spans: readonly CollectedSpan[], name: string): CollectedSpan {
  const found = spans.find((span) => span.name === name);
  assert.ok(found, `there is no span ${name} among ${spans.map((span) => span.name).join(", ")}`);
  return found;
}

function logsOf({ log, status }: StepEnd): string {
  return Object.keys(status.containers)
    .map((name) => `── ${name}\n${log(name)}`)
    .join("\n");
}
