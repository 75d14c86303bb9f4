import assert from "node:assert/strict";
import type { Pod } from "../controller/pod.ts";
import { type Case, NEWEST_INIT } from "../suite/case.ts";
import { assertArchivedLog, assertSucceeded } from "../suite/expect.ts";

/** What a podSpecPatch of an author does who tries Skein on one workflow: other images for the two containers. */
function patchImages(pod: Pod, images: { init: string; wait: string }): void {
  const [init] = pod.spec.initContainers ?? [];
  const [wait] = pod.spec.containers;
  if (!init || !wait) throw new Error("the pod has no init and no wait");
  init.image = images.init;
  wait.image = images.wait;
  // A controller mounts /tmp in containers of its own executor's image, and looks for that after the patch.
  wait.volumeMounts = wait.volumeMounts?.filter(({ name }) => name !== "tmp-dir-argo") ?? [];
}

/** The ways to take Skein into use that docs/install.md names. */
export const INSTALLATION_CASES: readonly Case[] = [
  {
    name: "one-workflow",
    shows: "a podSpecPatch that changes the images of init and wait is enough to try Skein on one workflow",
    versions: NEWEST_INIT,
    async run({ world, step }) {
      const { busybox, executor } = world.images;
      const end = await step({
        patchPod: (pod) => patchImages(pod, { init: executor, wait: executor }),
        template: {
          name: "one-workflow",
          inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "text\n" } }] },
          container: { image: busybox, command: ["sh", "-c", "cat /in; mkdir /o; echo out >/o/out"] },
          outputs: { artifacts: [{ name: "out", path: "/o", archive: { zip: {} } }] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "text\n");
      assert.equal(end.result?.outputs?.artifacts?.[0]?.name, "out");
    },
  },
  {
    name: "slim-images",
    shows: "init and wait from their own slim images do together what the combined one does",
    versions: NEWEST_INIT,
    async run({ world, step }) {
      const { busybox, init, wait } = world.images;
      const end = await step({
        patchPod: (pod) => patchImages(pod, { init, wait }),
        template: {
          name: "slim-images",
          inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "text\n" } }] },
          container: { image: busybox, command: ["sh", "-c", "cat /in; echo out >/out"] },
          outputs: { artifacts: [{ name: "out", path: "/out" }] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "text\n");
    },
  },
  {
    name: "nonroot-image",
    shows: "the -nonroot image satisfies runAsNonRoot by itself, with a read-only root and no capabilities",
    async run({ world, step }) {
      const { busybox, nonroot } = world.images;
      const end = await step({
        executorImage: nonroot,
        executorSecurityContext: {
          runAsNonRoot: true,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
        template: {
          name: "nonroot-image",
          inputs: { artifacts: [{ name: "in", path: "/in", raw: { data: "text\n" } }] },
          container: { image: busybox, command: ["sh", "-c", "cat /in; echo out >/out"] },
          outputs: { artifacts: [{ name: "out", path: "/out" }] },
        },
      });
      assertSucceeded(end);
      assertArchivedLog(world, end, "main", "text\n");
    },
  },
];
