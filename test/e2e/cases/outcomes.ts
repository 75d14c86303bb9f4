import assert from "node:assert/strict";
import { NODE } from "../cluster/access.ts";
import type { Case } from "../suite/case.ts";
import { assertArchivedLog, assertEnded, assertSucceeded, spanOf } from "../suite/expect.ts";

/** How steps end: well, badly, with a command that is not there. */
export const OUTCOME_CASES: readonly Case[] = [
  {
    name: "hello",
    shows:
      "a container that succeeds: exit codes, task result, archived log, spans below the workflow's trace",
    async run({ world, version, step }) {
      const end = await step({
        template: {
          name: "hello",
          container: { image: world.images.busybox, command: ["echo"], args: ["hello world"] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "hello world\n");
      assert.match(end.log("main"), /^hello world$/m);
      const auxiliary = version.layout === "init" ? "runWaitContainer" : "runSupervisorContainer";
      const spans = await end.spans(auxiliary);
      const names = new Set(spans.map(({ name }) => name));
      for (const name of [auxiliary, "runMainContainer", "waitWorkload", "saveLogs", "createTaskResult"])
        assert.ok(names.has(name), `no span ${name}`);
      assert.equal(names.has("runInitContainer"), version.layout === "init");
      const { resource, parentSpanId } = spanOf(spans, auxiliary);
      if (version.traces) assert.equal(parentSpanId, end.step.trace.spanId);
      assert.equal(resource["k8s.node.name"], NODE, "the node is in the token's claims");
      assert.equal(resource["k8s.pod.uid"], end.running.uid);
      assert.equal(spanOf(spans, "runMainContainer").attributes["process.exit.code"], 0);
    },
  },
  {
    name: "failure",
    shows: "a command that fails: its own exit code, outputs and log are still there, the verdict is Failed",
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "failure",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["echo before; echo half >/tmp/half; exit 3"],
          },
          outputs: { parameters: [{ name: "half", valueFrom: { path: "/tmp/half" } }] },
        },
      });
      assert.deepEqual(end.verdict, { phase: "Failed", message: "main: Error (exit code 3)" });
      assertEnded(end, "main", 3);
      assert.deepEqual(end.result?.outputs?.parameters, [
        { name: "half", value: "half", valueFrom: { path: "/tmp/half" } },
      ]);
      assertArchivedLog(world, end, "main", "before\n");
      const spans = await end.spans("runMainContainer");
      const main = spanOf(spans, "runMainContainer");
      assert.equal(main.attributes["process.exit.code"], 3);
      assert.equal(main.statusCode, 2);
    },
  },
  {
    name: "command-not-found",
    shows: "a command that is not in the image: exit code 64 and a message that names it",
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "command-not-found",
          container: { image: world.images.scratch, command: ["no-such-program"] },
        },
      });
      assert.equal(end.verdict.phase, "Failed");
      assertEnded(end, "main", 64, /no-such-program/);
    },
  },
];
