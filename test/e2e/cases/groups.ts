import assert from "node:assert/strict";
import type { Case } from "../suite/case.ts";
import { assertArchivedLog, assertComplete, assertEnded, assertSucceeded } from "../suite/expect.ts";

/** Pods of more than one user's container. */
export const GROUP_CASES: readonly Case[] = [
  {
    name: "container-set",
    shows: "members run in the order of their dependencies, share a volume, and main's output is the step's",
    async run({ world, step }) {
      const { busybox } = world.images;
      const sh = (script: string) => ({ image: busybox, command: ["sh", "-ec"], args: [script] });
      const end = await step({
        template: {
          name: "container-set",
          containerSet: {
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
            containers: [
              { name: "a", ...sh("echo a >>/shared/order") },
              { name: "b", ...sh("echo b >>/shared/order"), dependencies: ["a"] },
              { name: "main", ...sh("echo main >>/shared/order"), dependencies: ["b"] },
            ],
          },
          volumes: [{ name: "work", emptyDir: {} }],
          outputs: { parameters: [{ name: "order", valueFrom: { path: "/shared/order" } }] },
        },
      });
      assertSucceeded(end);
      assert.equal(end.result?.outputs?.parameters?.[0]?.value, "a\nb\nmain");
    },
  },
  {
    name: "container-set-failure",
    shows: "a member that fails keeps those that need it from running; the others' logs are archived",
    async run({ world, step }) {
      const { busybox } = world.images;
      const sh = (script: string) => ({ image: busybox, command: ["sh", "-ec"], args: [script] });
      const end = await step({
        template: {
          name: "container-set-failure",
          containerSet: {
            containers: [
              { name: "good", ...sh("echo good") },
              { name: "bad", ...sh("echo bad; exit 7"), dependencies: ["good"] },
              { name: "after", ...sh("echo after"), dependencies: ["bad"] },
            ],
          },
        },
      });
      assert.equal(end.verdict.phase, "Failed");
      assertEnded(end, "good", 0);
      assertEnded(end, "bad", 7);
      assert.notEqual(end.status.containers.after?.exitCode, 0);
      assert.doesNotMatch(end.log("after"), /^after$/m);
      assertArchivedLog(world, end, "good", "good\n");
      assertArchivedLog(world, end, "bad", "bad\n");
      assertComplete(end);
    },
  },
  {
    name: "container-set-retries",
    shows: "a member that fails is run again in its container, as often as the set's retryStrategy says",
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "container-set-retries",
          containerSet: {
            retryStrategy: { retries: "3", duration: "100ms" },
            containers: [
              {
                name: "main",
                image: world.images.busybox,
                command: ["sh", "-c"],
                args: ["echo try >>/tries; [ $(wc -l </tries) -ge 3 ]"],
              },
            ],
          },
          outputs: { parameters: [{ name: "tries", valueFrom: { path: "/tries" } }] },
        },
      });
      assertSucceeded(end);
      assert.equal(end.result?.outputs?.parameters?.[0]?.value, "try\ntry\ntry");
    },
  },
  {
    name: "sidecar",
    shows: "a sidecar serves main over the pod's network and is ended when main has ended",
    async run({ world, step }) {
      const { busybox } = world.images;
      const end = await step({
        template: {
          name: "sidecar",
          container: {
            image: busybox,
            command: ["sh", "-c"],
            args: ["until [ -e /shared/ready ]; do sleep 0.05; done; cat /shared/ready"],
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
          },
          sidecars: [
            {
              name: "helper",
              image: busybox,
              command: ["sh", "-c"],
              args: ["trap 'exit 0' TERM; echo served >/shared/ready; while :; do sleep 0.05; done"],
              volumeMounts: [{ name: "work", mountPath: "/shared" }],
            },
          ],
          volumes: [{ name: "work", emptyDir: {} }],
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "served\n");
    },
  },
  {
    name: "deaf-sidecar",
    shows:
      "a sidecar from scratch that ignores SIGTERM is killed after the grace period, and the step succeeds",
    async run({ world, step }) {
      const end = await step({
        terminationGracePeriodSeconds: 2,
        template: {
          name: "deaf-sidecar",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["until [ -e /shared/deaf ]; do sleep 0.05; done"],
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
          },
          sidecars: [
            {
              name: "deaf",
              image: world.images.scratch,
              command: ["/one", "ignore-sigterm", ",", "write", "/shared/deaf", "yes", ",", "sleep", "5m"],
              volumeMounts: [{ name: "work", mountPath: "/shared" }],
            },
          ],
          volumes: [{ name: "work", emptyDir: {} }],
        },
      });
      assertEnded(end, "main", 0);
      assertEnded(end, "deaf", 137);
      // Codes 137 and 143 of a sidecar count for nothing.
      assert.deepEqual(end.verdict, { phase: "Succeeded", message: "" });
      assertComplete(end);
    },
  },
];
