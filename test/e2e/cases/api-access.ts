import assert from "node:assert/strict";
import { STRANGER } from "../cluster/access.ts";
import { createKubeClient } from "../cluster/kube-client.ts";
import { aged } from "../cluster/tokens.ts";
import { type Case, type CaseContext, NEWEST } from "../suite/case.ts";
import { assertComplete, assertEnded, assertSucceeded } from "../suite/expect.ts";
import { type StepEnd, type StepRequest, TASK_RESULTS } from "../suite/run-step.ts";

/** A step whose only output is a parameter, so that something has to be reported. */
export function reporting(name: string, { world }: CaseContext, seconds: number): StepRequest {
  return {
    template: {
      name,
      container: {
        image: world.images.busybox,
        command: ["sh", "-c"],
        args: [`sleep ${seconds}; echo done >/tmp/word`],
      },
      outputs: { parameters: [{ name: "word", valueFrom: { path: "/tmp/word" } }] },
    },
  };
}

export function assertReported({ result }: StepEnd): void {
  assert.deepEqual(result?.outputs?.parameters, [
    { name: "word", value: "done", valueFrom: { path: "/tmp/word" } },
  ]);
}

/** Of the container that reports. */
export function auxiliaryOf({ version }: CaseContext): string {
  return version.layout === "init" ? "wait" : "supervisor";
}

export const API_ACCESS_CASES: readonly Case[] = [
  {
    name: "least-privilege",
    shows: "the documented Role is enough, and what it does not say stays forbidden to the same token",
    async run(context) {
      const { world, step } = context;
      const end = await step(reporting("least-privilege", context, 0));
      assertSucceeded(end);
      assertReported(end);
      const asPod = createKubeClient(world.api.port, world.api.ca, end.running.volumes.token());
      for (const path of [TASK_RESULTS, `${TASK_RESULTS}/${end.step.nodeId}`, "/api/v1/namespaces/argo/pods"])
        await assert.rejects(asPod.get(path), { status: 403 });
      await assert.rejects(asPod.delete(`${TASK_RESULTS}/${end.step.nodeId}`), { status: 403 });
      asPod.close();
    },
  },
  {
    name: "forbidden",
    shows: "without the Role the step is an Error whose message is the API server's, and main is not harmed",
    async run(context) {
      const auxiliary = auxiliaryOf(context);
      const end = await context.step({
        ...reporting("forbidden", context, 0),
        serviceAccountName: STRANGER,
      });
      assertEnded(end, "main", 0);
      assertEnded(end, auxiliary, 64, /workflowtaskresults\.argoproj\.io is forbidden/);
      assert.equal(end.verdict.phase, "Error");
      assert.match(
        end.verdict.message,
        new RegExp(
          `^${auxiliary}: Error \\(exit code 64\\): .*is forbidden: User "system:serviceaccount:argo:stranger"`,
        ),
      );
      assert.equal(end.result, undefined);
    },
  },
  {
    name: "expired-token",
    shows: "a token that has expired and is not replaced is an Error that says Unauthorized",
    versions: NEWEST,
    async run(context) {
      const { world, step } = context;
      const end = await step({
        ...reporting("expired-token", context, 0),
        onPod: ({ volumes }) => volumes.writeToken(aged(volumes.token(), world.api.signingKey, -5)),
      });
      assertEnded(end, "main", 0);
      assertEnded(end, auxiliaryOf(context), 64, /Unauthorized/);
      assert.equal(end.verdict.phase, "Error");
    },
  },
  {
    name: "rotated-token",
    shows: "a token that the kubelet replaces while main runs, and that expires, costs nothing",
    versions: NEWEST,
    async run(context) {
      const { world, step } = context;
      let first = "";
      let second = "";
      // The API server remembers for ten seconds whom it let in, so the old token is good for that much longer.
      const end = await step({
        ...reporting("rotated-token", context, 20),
        onPod: ({ volumes }) => {
          second = volumes.token();
          first = aged(second, world.api.signingKey, 8);
          volumes.writeToken(first);
        },
        meanwhile: async (pod) => {
          await pod.started("main");
          pod.volumes.writeToken(second);
        },
      });
      const asBefore = createKubeClient(world.api.port, world.api.ca, first);
      await assert.rejects(asBefore.get("/api/v1/namespaces/argo/pods"), { status: 401 });
      asBefore.close();
      assertSucceeded(end);
      assertReported(end);
    },
  },
  {
    name: "already-exists",
    shows: "a task result that is there already is taken over and completed",
    async run(context) {
      const { world, step } = context;
      const end = await step({
        ...reporting("already-exists", context, 0),
        beforePod: async ({ nodeId, workflow }) => {
          await world.api.admin.create(TASK_RESULTS, {
            apiVersion: "argoproj.io/v1alpha1",
            kind: "WorkflowTaskResult",
            metadata: {
              name: nodeId,
              labels: {
                "workflows.argoproj.io/workflow": workflow.name,
                "workflows.argoproj.io/report-outputs-completed": "false",
              },
            },
          });
        },
      });
      assert.equal(end.verdict.phase, "Succeeded");
      assertReported(end);
      assert.equal(end.result?.metadata.labels?.["workflows.argoproj.io/report-outputs-completed"], "true");
    },
  },
  {
    name: "not-found",
    shows: "a task result that somebody deletes while main runs is made again, whole",
    async run(context) {
      const { world, step } = context;
      const end = await step({
        ...reporting("not-found", context, 2),
        meanwhile: async (_, { nodeId }) => {
          const path = `${TASK_RESULTS}/${nodeId}`;
          await untilThere(() => world.api.admin.get(path));
          await world.api.admin.delete(path);
        },
      });
      assertSucceeded(end);
      assertReported(end);
    },
  },
  {
    name: "conflict",
    shows: "somebody who writes the task result all the time takes nothing away, and nothing of his is lost",
    versions: NEWEST,
    async run(context) {
      const { world, step } = context;
      let written = 0;
      const end = await step({
        ...reporting("conflict", context, 1),
        meanwhile: async (pod, { nodeId }) => {
          const path = `${TASK_RESULTS}/${nodeId}`;
          await untilThere(() => world.api.admin.get(path));
          while (pod.isRunning(auxiliaryOf(context))) {
            const current = await world.api.admin.get(path);
            const annotations = { ...current.metadata.annotations, counter: String(written + 1) };
            // Of the resource version that was read: refused with 409 when the executor was faster.
            await world.api.admin
              .put(path, { ...current, metadata: { ...current.metadata, annotations } })
              .then(() => {
                written += 1;
              })
              .catch((error: { status?: number }) => assert.equal(error.status, 409));
          }
        },
      });
      assertSucceeded(end);
      assertReported(end);
      assert.ok(written > 0);
      assert.equal(end.result?.metadata.annotations?.counter, String(written));
      assertComplete(end);
    },
  },
];

async function untilThere(look: () => Promise<unknown>): Promise<void> {
  for (;;) {
    try {
      await look();
      return;
    } catch (error) {
      if ((error as { status?: number }).status !== 404) throw error;
    }
  }
}
