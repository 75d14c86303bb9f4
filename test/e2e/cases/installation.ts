import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { Container, Pod } from "../controller/pod.ts";
import { type Case, NEWEST, NEWEST_INIT } from "../suite/case.ts";
import { assertArchivedLog, assertSucceeded } from "../suite/expect.ts";

/** What the podSpecPatch of docs/install.md does: other images for what a controller adds to the pod. */
function patchImages({ spec }: Pod, images: { init: string; wait: string }): void {
  const [auxiliary] = spec.containers;
  const [init] = spec.initContainers ?? [];
  if (!auxiliary) throw new Error("the pod has no containers");
  if (init) init.image = images.init;
  auxiliary.image = images.wait;
  for (const { image } of spec.volumes) if (image) image.reference = images.wait;
  // A controller mounts /tmp in containers of its own executor's image, and looks for that after the patch.
  auxiliary.volumeMounts = auxiliary.volumeMounts?.filter(({ name }) => name !== "tmp-dir-argo") ?? [];
}

const SETTINGS = join(
  import.meta.dirname,
  "../../../deploy/kustomize/components/executor/controller-configmap-patch.yaml",
);

/** `executor` of the ConfigMap patch in deploy/. */
function documentedExecutor(): { resources: NonNullable<Container["resources"]> } {
  const { data } = parse(readFileSync(SETTINGS, "utf8")) as { data: { executor: string } };
  return parse(data.executor) as ReturnType<typeof documentedExecutor>;
}

/** The ways to take Skein into use that docs/install.md names. */
export const INSTALLATION_CASES: readonly Case[] = [
  {
    name: "one-workflow",
    shows: "a podSpecPatch that changes the images of init and wait is enough to try Skein on one workflow",
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
    name: "documented-settings",
    shows: "with the resources of deploy/ a large artifact is saved and loaded within the limit of memory",
    versions: NEWEST,
    async run({ world, step }) {
      const { resources } = documentedExecutor();
      assert.ok(resources.limits?.memory);
      const made = await step({
        executorResources: resources,
        template: {
          name: "documented-settings",
          container: {
            image: world.images.busybox,
            command: ["sh", "-c"],
            args: ["head -c 700000000 /dev/zero >/data/zeros; head -c 100000000 /dev/urandom >/data/noise"],
            volumeMounts: [{ name: "data", mountPath: "/data" }],
          },
          volumes: [{ name: "data", emptyDir: {} }],
          outputs: { artifacts: [{ name: "all", path: "/data", archive: { tar: { compressionLevel: 1 } } }] },
        },
      });
      assertSucceeded(made);
      const key = made.result?.outputs?.artifacts?.[0]?.s3?.key ?? "";
      const used = await step({
        executorResources: resources,
        template: {
          name: "documented-settings-back",
          inputs: { artifacts: [{ name: "all", path: "/in", s3: { key } }] },
          container: { image: world.images.busybox, command: ["sh", "-c", "cat /in/* | wc -c"] },
        },
      });
      assertSucceeded(used);
      assertArchivedLog(world, used, "main", "800000000\n");
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
