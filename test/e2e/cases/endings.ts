import assert from "node:assert/strict";
import { terminateContainers } from "../controller/kill.ts";
import type { Case } from "../suite/case.ts";
import { assertArchivedLog, assertComplete, assertEnded, spanOf } from "../suite/expect.ts";
import { filesOfTgz, objectOf } from "../suite/objects.ts";
import { slowness } from "../suite/slowness.ts";

/** Steps that are ended from outside: by deadlines, by deletion, by the kernel. */
export const ENDING_CASES: readonly Case[] = [
  {
    name: "workflow-deadline",
    shows:
      "the workflow's deadline ends main with SIGTERM, what it has written is collected, and wait says why",
    async run({ world, version, step }) {
      const end = await step({
        // Late enough for main to have written.
        deadline: new Date(Date.now() + 8_000 * slowness()),
        template: {
          name: "workflow-deadline",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["echo working; echo half >/tmp/half; sleep 300"],
          },
          outputs: { parameters: [{ name: "half", valueFrom: { path: "/tmp/half" } }] },
        },
      });
      assertEnded(end, "main", 143);
      assertEnded(end, version.layout === "init" ? "wait" : "supervisor", 0, "Step exceeded its deadline");
      assert.deepEqual(end.verdict, { phase: "Failed", message: "main: Error (exit code 143)" });
      assert.equal(end.result?.outputs?.parameters?.[0]?.value, "half");
      assertArchivedLog(world, end, "main", "working\n");
      assertComplete(end);
    },
  },
  {
    name: "pod-deadline",
    shows:
      "the template's activeDeadlineSeconds: the kubelet ends the whole pod, and its outputs are still collected",
    async run({ world, step }) {
      const end = await step({
        activeDeadlineSeconds: Math.ceil(6 * slowness()),
        terminationGracePeriodSeconds: Math.ceil(20 * slowness()),
        template: {
          name: "pod-deadline",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["echo working; echo half >/tmp/half; sleep 300"],
          },
          outputs: { artifacts: [{ name: "half", path: "/tmp/half" }] },
        },
      });
      assertEnded(end, "main", 143);
      assert.deepEqual(end.verdict, {
        phase: "Failed",
        message: "Pod was active on the node longer than the specified deadline",
      });
      const { workflow, podName } = end.step;
      const object = objectOf(world, `${workflow.name}/${podName}/half.tgz`);
      assert.deepEqual(filesOfTgz(object ?? Buffer.alloc(0)), { half: "half\n" });
      assertComplete(end);
    },
  },
  {
    name: "workflow-stopped",
    shows:
      "a workflow that is stopped: the controller's kill in each container ends main, and its outputs are collected",
    async run({ world, step }) {
      const end = await step({
        isWatched: false,
        template: {
          name: "workflow-stopped",
          container: {
            image: world.images.scratch,
            command: ["/one", "write", "/half", "half", ",", "print", "ready", ",", "sleep", "5m"],
          },
          outputs: { parameters: [{ name: "half", valueFrom: { path: "/half" } }] },
        },
        meanwhile: async (running, _, pod) => {
          await running.started("main");
          await untilPrinted(() => running.log("main"), "ready");
          await terminateContainers(pod, running);
        },
      });
      assertEnded(end, "main", 143);
      assert.deepEqual(end.verdict, { phase: "Failed", message: "main: Error (exit code 143)" });
      assert.equal(end.result?.outputs?.parameters?.[0]?.value, "half");
      assertArchivedLog(world, end, "main", "ready\n");
      assertComplete(end);
    },
  },
  {
    name: "container-set-stopped",
    shows:
      "a set that is stopped: a member that waits for another ends by the signal, though the other was told and dead before",
    async run({ world, step }) {
      const { busybox, scratch } = world.images;
      const end = await step({
        isWatched: false,
        template: {
          name: "container-set-stopped",
          containerSet: {
            containers: [
              { name: "first", image: scratch, command: ["/one", "print", "ready", ",", "sleep", "5m"] },
              { name: "then", image: busybox, command: ["echo", "never printed"], dependencies: ["first"] },
            ],
          },
        },
        meanwhile: async (running, _, pod) => {
          await running.started("first");
          await untilPrinted(() => running.log("first"), "ready");
          await running.started("then");
          await untilPrinted(() => running.log("then"), "waiting for dependency");
          await terminateContainers(pod, running);
        },
      });
      for (const name of ["first", "then"]) assertEnded(end, name, 143);
      assert.deepEqual(end.verdict, { phase: "Failed", message: "first: Error (exit code 143)" });
      assert.doesNotMatch(end.log("then"), /^never printed$/m);
      assertArchivedLog(world, end, "first", "ready\n");
      assertComplete(end);
    },
  },
  {
    name: "deletion",
    shows: "a pod that is deleted: main tidies up within the grace period, and what it then writes is saved",
    async run({ world, step }) {
      const end = await step({
        terminationGracePeriodSeconds: Math.ceil(20 * slowness()),
        isWatched: false,
        template: {
          name: "deletion",
          container: {
            image: world.images.scratch,
            command: ["/one", "print", "ready", ",", "on-sigterm", "/state", "tidy", ",", "print", "bye"],
          },
          outputs: { artifacts: [{ name: "state", path: "/state", archive: { none: {} } }] },
        },
        meanwhile: async (pod) => {
          await pod.started("main");
          await untilPrinted(() => pod.log("main"), "ready");
          await pod.delete();
        },
      });
      assertEnded(end, "main", 0);
      const { workflow, podName } = end.step;
      assert.equal(objectOf(world, `${workflow.name}/${podName}/state`)?.toString(), "tidy");
      assertArchivedLog(world, end, "main", "ready\nbye\n");
      assertComplete(end);
    },
  },
  {
    name: "deaf-main-deleted",
    shows:
      "a pod that is deleted while main ignores SIGTERM: main is killed, and wait has reported before it is, too",
    async run({ world, step }) {
      const end = await step({
        terminationGracePeriodSeconds: Math.ceil(10 * slowness()),
        isWatched: false,
        template: {
          name: "deaf-main-deleted",
          container: {
            image: world.images.scratch,
            command: ["/one", "ignore-sigterm", ",", "print", "ready", ",", "sleep", "5m"],
          },
        },
        meanwhile: async (pod) => {
          await pod.started("main");
          await untilPrinted(() => pod.log("main"), "ready");
          await pod.delete();
        },
      });
      assertEnded(end, "main", 137);
      assert.equal(end.verdict.phase, "Failed");
      assertArchivedLog(world, end, "main", "ready\n");
      assertComplete(end);
    },
  },
  {
    name: "out-of-memory",
    shows: "main is killed for its memory: wait sees it at once, archives the log and completes the result",
    async run({ world, version, step }) {
      const end = await step({
        template: {
          name: "out-of-memory",
          container: {
            image: world.images.scratch,
            command: ["/one", "print", "growing", ",", "allocate", "200"],
            resources: { limits: { memory: "64Mi" } },
          },
        },
      });
      assertEnded(end, "main", 137);
      assert.equal(end.verdict.phase, "Failed");
      assertArchivedLog(world, end, "main", "growing\n");
      assertComplete(end);
      const spans = await end.spans(
        version.layout === "init" ? "runWaitContainer" : "runSupervisorContainer",
      );
      assert.equal(spanOf(spans, "runMainContainer").statusCode, 2);
    },
  },
];

async function untilPrinted(log: () => string, word: string): Promise<void> {
  while (!log().includes(word)) await new Promise((resolve) => setTimeout(resolve, 10));
}
