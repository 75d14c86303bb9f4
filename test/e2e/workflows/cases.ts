import assert from "node:assert/strict";
import { objectOf } from "../suite/objects.ts";
import { slowness } from "../suite/slowness.ts";
import { assertSucceeded, executorImages, type WorkflowCase } from "./case.ts";
import { INSTALLATION_CASES } from "./installation-cases.ts";

export const WORKFLOW_CASES: readonly WorkflowCase[] = [
  {
    name: "dag",
    shows: "parameters, artifacts, results and logs pass from step to step, and an exit handler runs",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        onExit: "bye",
        templates: [
          {
            name: "main",
            dag: {
              tasks: [
                { name: "make", template: "make" },
                {
                  name: "use",
                  template: "use",
                  depends: "make",
                  arguments: {
                    parameters: [{ name: "word", value: "{{tasks.make.outputs.parameters.word}}" }],
                    artifacts: [{ name: "in", from: "{{tasks.make.outputs.artifacts.out}}" }],
                  },
                },
              ],
            },
          },
          {
            name: "make",
            container: {
              image,
              command: ["sh", "-c"],
              args: ["mkdir /tmp/out; echo data >/tmp/out/file; printf word >/tmp/word; echo made"],
            },
            outputs: {
              parameters: [{ name: "word", valueFrom: { path: "/tmp/word" } }],
              artifacts: [{ name: "out", path: "/tmp/out" }],
            },
          },
          {
            name: "use",
            inputs: { parameters: [{ name: "word" }], artifacts: [{ name: "in", path: "/in" }] },
            script: { image, command: ["sh"], source: "cat /in/file; echo {{inputs.parameters.word}}" },
          },
          { name: "bye", container: { image, command: ["echo"], args: ["it {{workflow.status}}"] } },
        ],
      });
      const end = await workflow.end();
      assertSucceeded(end);
      assert.deepEqual(executorImages(end.pods), new Set([world.images.executor]));
      assert.equal(end.node("use").outputs?.exitCode, "0");
      const logs = end.node("make").outputs?.artifacts?.find(({ name }) => name === "main-logs");
      assert.equal(objectOf(world, logs?.s3?.key ?? "")?.toString(), "made\n");
      const [result] = end.nodes.filter(({ templateName, type }) => templateName === "use" && type === "Pod");
      const key = result?.outputs?.artifacts?.find(({ name }) => name === "main-logs")?.s3?.key;
      assert.equal(objectOf(world, key ?? "")?.toString(), "data\nword\n");
      const bye = end.node(`${end.name}.onExit`);
      const said = bye.outputs?.artifacts?.find(({ name }) => name === "main-logs")?.s3?.key;
      assert.equal(objectOf(world, said ?? "")?.toString(), "it Succeeded\n");
    },
  },
  {
    name: "results",
    shows: "the results of a script for each item come together, and decide whether a step is run",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        templates: [
          {
            name: "main",
            steps: [
              [
                {
                  name: "square",
                  template: "square",
                  arguments: { parameters: [{ name: "of", value: "{{item}}" }] },
                  withItems: [2, 3, 4],
                },
              ],
              [
                {
                  name: "sum",
                  template: "sum",
                  arguments: { parameters: [{ name: "all", value: "{{steps.square.outputs.result}}" }] },
                },
              ],
              [{ name: "never", template: "fail", when: "{{steps.sum.outputs.result}} != 29" }],
            ],
          },
          {
            name: "square",
            inputs: { parameters: [{ name: "of" }] },
            script: {
              image,
              command: ["sh"],
              source: "echo $(({{inputs.parameters.of}} * {{inputs.parameters.of}}))",
            },
          },
          {
            name: "sum",
            inputs: { parameters: [{ name: "all" }] },
            script: {
              image,
              command: ["sh"],
              source: `echo '{{inputs.parameters.all}}' | tr -dc '0-9,\\n' | tr ',' '+' | { read -r sum; echo $((sum)); }`,
            },
          },
          { name: "fail", container: { image, command: ["false"] } },
        ],
      });
      const end = await workflow.end();
      assertSucceeded(end);
      assert.equal(end.node("sum").outputs?.result, "29");
      assert.equal(end.node("never").phase, "Skipped");
    },
  },
  {
    name: "failure",
    shows: "a command that fails is Failed with its exit code, and is tried again as its template says",
    async run({ world, submit }) {
      const workflow = await submit({
        templates: [
          {
            name: "main",
            retryStrategy: { limit: "1" },
            container: { image: world.images.busybox, command: ["sh", "-c", "echo half >/tmp/p; exit 3"] },
            outputs: { parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }] },
          },
        ],
      });
      const end = await workflow.end();
      assert.equal(end.phase, "Failed");
      const attempts = end.nodes.filter(({ type }) => type === "Pod");
      assert.equal(attempts.length, 2);
      for (const { phase, message, outputs } of attempts) {
        assert.deepEqual([phase, message], ["Failed", "main: Error (exit code 3)"]);
        assert.equal(outputs?.exitCode, "3");
        assert.equal(outputs?.parameters?.[0]?.value, "half");
      }
    },
  },
  {
    name: "missing-output",
    shows: "an output that is not there is an Error whose message names it",
    async run({ world, submit }) {
      const workflow = await submit({
        templates: [
          {
            name: "main",
            container: { image: world.images.busybox, command: ["true"] },
            outputs: { artifacts: [{ name: "out", path: "/tmp/none" }] },
          },
        ],
      });
      const end = await workflow.end();
      assert.equal(end.phase, "Error");
      assert.match(end.message, /wait: Error \(exit code 64\): artifact out failed to save: .*no such file/);
    },
  },
  {
    name: "sidecar",
    shows: "the controller ends a sidecar by exec once main has ended",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        templates: [
          {
            name: "main",
            container: { image, command: ["sleep", "1"] },
            sidecars: [
              { name: "beside", image, command: ["sh", "-c", "trap 'exit 0' TERM; sleep 1000 & wait"] },
            ],
          },
        ],
      });
      assertSucceeded(await workflow.end());
    },
  },
  {
    name: "container-set",
    shows: "containers of one pod run one after the other, and their nodes have their exit codes",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        templates: [
          {
            name: "main",
            containerSet: {
              volumeMounts: [{ name: "work", mountPath: "/work" }],
              containers: [
                { name: "first", image, command: ["sh", "-c", "echo from first >/work/text"] },
                { name: "main", image, command: ["cat", "/work/text"], dependencies: ["first"] },
              ],
            },
            volumes: [{ name: "work", emptyDir: {} }],
            outputs: { artifacts: [{ name: "text", path: "/work/text", archive: { none: {} } }] },
          },
        ],
      });
      const end = await workflow.end();
      assertSucceeded(end);
      assert.equal(end.node("first").phase, "Succeeded");
      const pod = end.nodes.find(({ type }) => type === "Pod");
      const key = pod?.outputs?.artifacts?.find(({ name }) => name === "text")?.s3?.key;
      assert.equal(objectOf(world, key ?? "")?.toString(), "from first\n");
    },
  },
  {
    name: "container-set-stop",
    shows:
      "a set that is stopped: members that wait for another are Failed by the signal, and do not blame it",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        templates: [
          {
            name: "main",
            containerSet: {
              containers: [
                { name: "main", image, command: ["sleep", "1000"] },
                { name: "next", image, command: ["echo", "next"], dependencies: ["main"] },
              ],
            },
          },
        ],
      });
      await workflow.running();
      await workflow.patch({ spec: { shutdown: "Stop" } });
      const end = await workflow.end();
      assert.equal(end.message, "Stopped with strategy 'Stop'");
      // It tells one container after the other, and the first is dead by the time the second is told. A node that it
      // looks at before its container has ended has its own words.
      for (const name of ["main", "next"]) {
        const { phase, message = "" } = end.node(name);
        assert.equal(phase, "Failed", message);
        assert.match(message, /\(exit code 143\)|^workflow shutdown/);
      }
    },
  },
  {
    name: "stop",
    shows: "a workflow that is stopped: main hears SIGTERM, its log is archived, the exit handler runs",
    async run({ world, submit }) {
      const { busybox: image } = world.images;
      const workflow = await submit({
        onExit: "bye",
        templates: [
          {
            name: "main",
            container: { image, command: ["sh", "-c", "trap 'echo heard; exit 7' TERM; sleep 1000 & wait"] },
          },
          { name: "bye", container: { image, command: ["echo", "bye"] } },
        ],
      });
      await workflow.running();
      await workflow.patch({ spec: { shutdown: "Stop" } });
      const end = await workflow.end();
      // Failed or, when the controller looks while it forgets the pod, Error: it is busier with its exit handler by then.
      assert.match(end.phase, /^(Failed|Error)$/);
      assert.equal(end.message, "Stopped with strategy 'Stop'");
      const main = end.node(end.name);
      const key = main.outputs?.artifacts?.find(({ name }) => name === "main-logs")?.s3?.key;
      assert.equal(objectOf(world, key ?? "")?.toString(), "heard\n");
      assert.equal(end.node(`${end.name}.onExit`).phase, "Succeeded");
    },
  },
  {
    name: "deadline",
    shows: "a step that takes longer than its deadline is Failed, and says so",
    async run({ world, submit }) {
      const workflow = await submit({
        templates: [
          {
            name: "main",
            activeDeadlineSeconds: Math.ceil(4 * slowness()),
            container: { image: world.images.busybox, command: ["sleep", "1000"] },
          },
        ],
      });
      const end = await workflow.end();
      assert.equal(end.phase, "Failed");
      assert.match(end.node(end.name).message ?? "", /deadline/i);
    },
  },
  ...INSTALLATION_CASES,
];
