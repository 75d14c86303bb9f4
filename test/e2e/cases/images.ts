import assert from "node:assert/strict";
import type { SecurityContext } from "../controller/pod.ts";
import { type ControllerVersion, versionOf } from "../controller/versions.ts";
import { type Case, since } from "../suite/case.ts";
import { assertArchivedLog, assertComplete, assertEnded, assertSucceeded } from "../suite/expect.ts";
import { filesOfTgz, objectOf, putObject } from "../suite/objects.ts";

const LOCKED: SecurityContext = {
  runAsNonRoot: true,
  readOnlyRootFilesystem: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ["ALL"] },
  seccompProfile: { type: "RuntimeDefault" },
};

/** Without an init container main's wrapper links inputs to their paths, which a locked root does not let it. */
function inputPath({ layout }: ControllerVersion): string {
  return layout === "init" ? "/in/text" : "/shared/text";
}

/** What the user's image may lack, and what the pod may be forbidden. */
export const IMAGE_CASES: readonly Case[] = [
  {
    name: "scratch",
    shows:
      "main in an image with one static binary and nothing else: inputs, outputs, log and exit code as anywhere",
    async run({ world, step }) {
      const input = `scratch/${Math.random()}`;
      putObject(world, input, "from the store");
      const end = await step({
        template: {
          name: "scratch",
          inputs: {
            artifacts: [{ name: "in", path: "/in/text", archive: { none: {} }, s3: { key: input } }],
          },
          container: {
            image: world.images.scratch,
            command: ["/one"],
            args: ["cat", "/in/text", ",", "write", "/out/deep/text", "made here"],
          },
          outputs: {
            parameters: [{ name: "text", valueFrom: { path: "/out/deep/text" } }],
            artifacts: [{ name: "out", path: "/out" }],
          },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "from the store");
      assert.equal(end.result?.outputs?.parameters?.[0]?.value, "made here");
      const { workflow, podName } = end.step;
      assert.deepEqual(
        filesOfTgz(objectOf(world, `${workflow.name}/${podName}/out.tgz`) ?? Buffer.alloc(0)),
        { "out/deep/text": "made here" },
      );
    },
  },
  {
    name: "locked-main",
    shows:
      "main as another user with a read-only root, no capabilities and seccomp: it reads its inputs and writes to volumes",
    async run({ world, version, step }) {
      const input = `locked/${Math.random()}`;
      const at = inputPath(version);
      putObject(world, input, "for everybody\n");
      const end = await step({
        template: {
          name: "locked-main",
          inputs: {
            artifacts: [{ name: "in", path: at, archive: { none: {} }, s3: { key: input } }],
          },
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: [`id -u; cat ${at}; echo kept >/shared/kept; (echo no >/no) 2>/dev/null || echo read-only`],
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
            securityContext: { ...LOCKED, runAsUser: 1234, runAsGroup: 1234 },
          },
          volumes: [{ name: "work", emptyDir: {} }],
          outputs: { artifacts: [{ name: "kept", path: "/shared/kept", archive: { none: {} } }] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "1234\nfor everybody\nread-only\n");
      const { workflow, podName } = end.step;
      assert.equal(objectOf(world, `${workflow.name}/${podName}/kept`)?.toString(), "kept\n");
    },
  },
  {
    name: "locked-pod",
    shows:
      "the whole pod locked down, executor containers included: other users, read-only roots, a group for the volumes",
    async run({ world, version, step }) {
      const input = `locked/${Math.random()}`;
      const at = inputPath(version);
      putObject(world, input, "for the group\n");
      const end = await step({
        securityContext: { runAsUser: 8737, runAsGroup: 8737, runAsNonRoot: true, fsGroup: 2000 },
        executorSecurityContext: LOCKED,
        template: {
          name: "locked-pod",
          inputs: {
            artifacts: [{ name: "in", path: at, archive: { none: {} }, s3: { key: input } }],
          },
          script: {
            image: world.images.busybox,
            command: ["sh"],
            source: `id -u; cat ${at}; echo kept >/shared/kept`,
            volumeMounts: [{ name: "work", mountPath: "/shared" }],
            securityContext: { ...LOCKED, runAsUser: 4321, runAsGroup: 4321 },
          },
          volumes: [{ name: "work", emptyDir: {} }],
          outputs: { artifacts: [{ name: "kept", path: "/shared/kept" }] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "4321\nfor the group\n");
      const { workflow, podName } = end.step;
      const object = objectOf(world, `${workflow.name}/${podName}/kept.tgz`);
      assert.deepEqual(filesOfTgz(object ?? Buffer.alloc(0)), { kept: "kept\n" });
    },
  },
  {
    name: "locked-input",
    shows:
      "without an init container an input cannot be put into a read-only root: main ends 65 and says which and where, " +
      "and the outputs that it never made do not hide that",
    versions: [versionOf("v4.1", "initless")],
    async run({ world, step }) {
      const end = await step({
        template: {
          name: "locked-input",
          inputs: { artifacts: [{ name: "in", path: "/in/text", raw: { data: "text" } }] },
          container: {
            image: world.images.busybox,
            command: ["cat", "/in/text"],
            securityContext: { readOnlyRootFilesystem: true },
          },
          outputs: {
            parameters: [{ name: "p", valueFrom: { path: "/tmp/p" } }],
            artifacts: [{ name: "out", path: "/tmp/out" }],
          },
        },
      });
      assertEnded(end, "main", 65, /artifact "in" at \/in\/text: .*read-only file system/);
      assert.deepEqual(end.verdict, {
        phase: "Failed",
        message: `main: Error (exit code 65): ${end.status.containers.main?.message}`,
      });
      assertEnded(end, "supervisor", 0);
      assertComplete(end);
    },
  },
  {
    name: "large-template",
    shows: "a template above 131072 bytes comes by the pod's ConfigMap",
    versions: since("v3.6"),
    async run({ world, step }) {
      const source = `echo ran\n${"# a long comment\n".repeat(10_000)}`;
      const end = await step({
        template: {
          name: "large-template",
          script: { image: world.images.busybox, command: ["sh"], source },
        },
      });
      assert.ok(JSON.stringify(end.pod).includes("argo-env-config"));
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "ran\n");
    },
  },
  {
    name: "long-arguments",
    shows: "arguments above 131072 bytes come by the pod's ConfigMap",
    versions: since("v4.0"),
    async run({ world, step }) {
      const args = [
        "-c",
        'echo "$# arguments"',
        "sh",
        ...Array.from({ length: 2000 }, (_, at) => `${at}${"x".repeat(80)}`),
      ];
      const end = await step({
        template: {
          name: "long-arguments",
          container: { image: world.images.busybox, command: ["sh"], args },
        },
      });
      assert.ok(JSON.stringify(end.pod).includes("ARGO_CONTAINER_ARGS_FILE"));
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "2000 arguments\n");
    },
  },
];
