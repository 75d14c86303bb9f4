import assert from "node:assert/strict";
import type { Case } from "../suite/case.ts";
import { assertArchivedLog, assertEnded, assertSucceeded, spanOf } from "../suite/expect.ts";
import { filesOfTgz, keysBelow, objectOf } from "../suite/objects.ts";

/** What steps leave: parameters, results, artifacts from the image's files and from volumes. */
export const OUTPUT_CASES: readonly Case[] = [
  {
    name: "parameters",
    shows:
      "output parameters from the image's files and from a volume, a default, and the input parameters' absence",
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "parameters",
          inputs: { parameters: [{ name: "word", value: "hello" }] },
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["echo own >/tmp/own; printf 'two\\nlines\\n' >/data/shared"],
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          },
          volumes: [{ name: "data", emptyDir: {} }],
          outputs: {
            parameters: [
              { name: "own", valueFrom: { path: "/tmp/own" } },
              { name: "shared", valueFrom: { path: "/data/shared" } },
              { name: "absent", valueFrom: { path: "/tmp/absent", default: "instead" } },
            ],
          },
        },
      });
      assertSucceeded(end);
      assert.deepEqual(
        end.result?.outputs?.parameters?.map(({ name, value }) => [name, value]),
        [
          ["own", "own"],
          ["shared", "two\nlines"],
          ["absent", "instead"],
        ],
      );
    },
  },
  {
    name: "missing-output",
    shows: "a required output that main did not write is an Error of the container that reports",
    async run({ world, version, step }) {
      const end = await step({
        template: {
          name: "missing-output",
          container: { image: world.images.busybox, command: ["true"] },
          outputs: { artifacts: [{ name: "out", path: "/tmp/out" }] },
        },
      });
      const auxiliary = version.layout === "init" ? "wait" : "supervisor";
      assertEnded(end, "main", 0);
      assertEnded(end, auxiliary, 64, /\/tmp\/out/);
      assert.equal(end.verdict.phase, "Error");
    },
  },
  {
    name: "script",
    shows: "a script is staged and run, and what it prints is its result",
    async run({ world, step }) {
      const end = await step({
        includeScriptOutput: true,
        template: {
          name: "script",
          script: {
            image: world.images.busybox,
            command: ["sh"],
            source: 'echo "first $((20 + 22))"\necho aside >&2\necho last\n',
          },
        },
      });
      assertSucceeded(end);
      assert.equal(end.result?.outputs?.result, "first 42\nlast");
      assert.match(end.log("main"), /^aside$/m);
    },
  },
  {
    name: "progress",
    shows: "the last progress that main wrote is on the task result",
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "progress",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: [
              "echo 50/100 >$ARGO_PROGRESS_FILE; sleep 0.2; echo nonsense >>$ARGO_PROGRESS_FILE; echo 99/100 >>$ARGO_PROGRESS_FILE",
            ],
          },
        },
      });
      assertSucceeded(end);
      assert.equal(end.result?.progress, "99/100");
    },
  },
  {
    name: "artifacts",
    shows:
      "a file, a directory and a volume's file become objects, which the next step's pod finds at its paths",
    async run({ world, version, step }) {
      const made = await step({
        template: {
          name: "producer",
          container: {
            image: world.images.busybox,
            command: ["sh", "-ec"],
            args: [
              "echo hello >/tmp/hello; mkdir -p /tmp/tree/deep; echo leaf >/tmp/tree/deep/leaf; echo plain >/data/plain",
            ],
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          },
          volumes: [{ name: "data", emptyDir: {} }],
          outputs: {
            artifacts: [
              { name: "hello", path: "/tmp/hello" },
              { name: "tree", path: "/tmp/tree" },
              { name: "plain", path: "/data/plain", archive: { none: {} } },
            ],
          },
        },
      });
      assertSucceeded(made);
      const key = (file: string): string => `${made.step.workflow.name}/${made.step.podName}/${file}`;
      assert.deepEqual(keysBelow(world, key("")), ["hello.tgz", "main.log", "plain", "tree.tgz"].map(key));
      assert.deepEqual(filesOfTgz(objectOf(world, key("hello.tgz")) ?? Buffer.alloc(0)), {
        hello: "hello\n",
      });
      assert.deepEqual(made.result?.outputs?.artifacts?.slice(0, 3), [
        { name: "hello", path: "/tmp/hello", s3: { key: key("hello.tgz") } },
        { name: "tree", path: "/tmp/tree", s3: { key: key("tree.tgz") } },
        { name: "plain", path: "/data/plain", archive: { none: {} }, s3: { key: key("plain") } },
      ]);
      const used = await step({
        template: {
          name: "consumer",
          inputs: {
            artifacts: [
              { name: "hello", path: "/in/hello", s3: { key: key("hello.tgz") } },
              { name: "tree", path: "/in/tree", s3: { key: key("tree.tgz") } },
              { name: "plain", path: "/shared/plain", archive: { none: {} }, s3: { key: key("plain") } },
              { name: "raw", path: "/in/raw", raw: { data: "raw data" } },
              { name: "never", path: "/in/never", optional: true, s3: { key: key("never.tgz") } },
            ],
          },
          container: {
            image: world.images.busybox,
            command: ["sh", "-ec"],
            args: ["cat /in/hello /in/tree/deep/leaf /shared/plain /in/raw"],
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
          },
          volumes: [{ name: "work", emptyDir: {} }],
        },
      });
      assertSucceeded(used);
      assertArchivedLog(world, used, "main", "hello\nleaf\nplain\nraw data");
      const spans = await used.spans(
        version.layout === "init" ? "runInitContainer" : "runSupervisorContainer",
      );
      const loads = spans.filter(({ name }) => name === "loadArtifact");
      const names = loads.map(({ attributes }) => attributes["argo.artifact.name"]);
      assert.deepEqual(names.sort(), ["hello", "never", "plain", "raw", "tree"]);
      const load = loads.find(({ attributes }) => attributes["argo.artifact.name"] === "tree");
      assert.equal(load?.attributes["argo.artifact.driver"], "s3");
      assert.equal(load?.attributes["aws.s3.key"], key("tree.tgz"));
      assert.equal(load?.parentSpanId, spanOf(spans, "loadArtifacts").spanId);
      assert.equal(
        loads.find(({ attributes }) => attributes["argo.artifact.name"] === "hello")?.statusCode,
        0,
      );
    },
  },
  {
    name: "missing-input",
    shows:
      "a required input that is not in the store: the user's command is never run, and the Error names the artifact",
    async run({ world, version, step }) {
      const end = await step({
        template: {
          name: "missing-input",
          inputs: { artifacts: [{ name: "lost", path: "/in/lost", s3: { key: "nobody/saved/this" } }] },
          container: { image: world.images.busybox, command: ["echo"], args: ["never printed"] },
        },
      });
      assert.equal(end.verdict.phase, "Error");
      if (version.layout === "init") {
        assert.deepEqual(Object.keys(end.status.containers), ["init"]);
        assert.match(end.verdict.message, /^init: Error \(exit code 64\): artifact lost failed to load: /);
      } else {
        assertEnded(end, "main", 65, /artifact lost failed to load/);
        assert.match(
          end.verdict.message,
          /^supervisor: Error \(exit code 64\): .*artifact lost failed to load: /,
        );
        assert.doesNotMatch(end.log("main"), /^never printed$/m);
      }
    },
  },
];
