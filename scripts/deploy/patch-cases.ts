import { deepEqual, equal, ok } from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { type Cases, installBlocks, run } from "./case.ts";
import { containersOf, type Pod, patchedPod, recordedPod } from "./patched-pod.ts";

export const SKEIN = "ghcr.io/skein/argoexec:0.1.0";
export const ARGO = "quay.io/argoproj/argoexec:v4.1.2";
export const INIT_LAYOUT = [
  "hello-world",
  "artifact-passing-consumer",
  "artifact-passing-producer",
  "big-artifacts-consumer",
  "container-set-graph",
  "output-parameter",
  "script-with-result",
  "sidecar",
];
export const INITLESS_LAYOUT = ["initless-artifact-passing-consumer"];

/** The blocks of docs/install.md with a patch, by what they are for. */
export function documentedPatches() {
  const [init = "", initless = ""] = installBlocks("1. One workflow", "yaml", 2);
  const [readOnlyRoot = ""] = installBlocks("A read-only root file system", "yaml", 1);
  const [certificates = ""] = installBlocks("Private certificate authorities", "yaml", 1);
  const [garbageCollection = ""] = installBlocks("Workflows that delete their artifacts", "yaml", 1);
  return { init, initless, readOnlyRoot, certificates, garbageCollection };
}

/** The patches of docs/install.md, merged as a controller does into pods that one made. */
export function patchCases(scratch: string): Cases {
  const patches = documentedPatches();
  const patch = (recorded: Pod, workflow: string): Pod =>
    patchedPod(recorded, { scratch, executorImage: ARGO, workflow });
  const tmpMounts = (pod: Pod): (string | undefined)[] =>
    pod.spec.containers.map(
      ({ volumeMounts }) => volumeMounts?.find(({ mountPath }) => mountPath === "/tmp")?.name,
    );

  /** Everything but the executor's image is as it was, and that image is nowhere left. */
  function assertOnlyImagesDiffer(recorded: Pod, patched: Pod): void {
    const text = JSON.stringify(patched.spec);
    equal(text.includes(ARGO), false, "Argo's image is left");
    ok(text.includes(SKEIN));
    const shape = (pod: Pod) =>
      containersOf(pod).map(({ image, volumeMounts, ...rest }) => ({
        ...rest,
        image: image === SKEIN ? ARGO : image,
        volumeMounts: volumeMounts
          ?.filter(({ name }) => name !== "tmp-dir-argo")
          .map(({ name, mountPath }) => `${name}:${mountPath}`)
          .sort(),
      }));
    // Through the same types once, so that empty fields do not count.
    deepEqual(shape(patched), shape(normalised(recorded)));
  }
  function normalised(pod: Pod): Pod {
    const file = join(scratch, "recorded.json");
    writeFileSync(file, JSON.stringify(pod));
    return JSON.parse(run(["podspec", "patch", file])) as Pod;
  }

  const perPod = Object.fromEntries(
    [
      ...INIT_LAYOUT.map((name) => [name, patches.init] as const),
      ...INITLESS_LAYOUT.map((name) => [name, patches.initless] as const),
    ].map(([name, workflow]) => [
      `step 1 puts Skein into all executor's containers of ${name}, and changes nothing else`,
      () => {
        const recorded = recordedPod(name, "ci");
        const patched = patch(recorded, workflow);
        assertOnlyImagesDiffer(recorded, patched);
        deepEqual(
          tmpMounts(patched).filter(Boolean),
          [],
          "a controller mounts /tmp for its own image, so the page says wrong",
        );
      },
    ]),
  );

  return {
    ...perPod,
    "the longer patch gives wait a /tmp again"() {
      const patched = patch(recordedPod("hello-world", "ci"), patches.readOnlyRoot);
      deepEqual(tmpMounts(patched), ["tmp-dir-argo", undefined]);
    },
    "the certificates' patch gives init and wait file and variable, and main neither"() {
      const patched = patch(recordedPod("artifact-passing-consumer", "ci"), patches.certificates);
      for (const { name, env = [], volumeMounts = [] } of containersOf(patched)) {
        const has = [
          env.some((each) => each.name === "SSL_CERT_DIR"),
          volumeMounts.some((mount) => mount.name === "company-ca"),
        ];
        deepEqual(has, name === "main" ? [false, false] : [true, true], name);
      }
      ok(patched.spec.volumes.some(({ name }) => name === "company-ca"));
    },
    "the patch of artifact garbage collection changes the image of its one container"() {
      const { spec } = parse(patches.garbageCollection) as {
        spec: { artifactGC: { podSpecPatch: string } };
      };
      const file = join(scratch, "gc-patch.yaml");
      const pod = join(scratch, "gc-pod.json");
      writeFileSync(file, spec.artifactGC.podSpecPatch);
      // Contract §1.5: the image's entry point, with arguments.
      const main = { name: "main", image: SKEIN, args: ["artifact", "delete"] };
      writeFileSync(
        pod,
        JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: {}, spec: { containers: [main] } }),
      );
      const { containers } = (JSON.parse(run(["podspec", "patch", pod, file])) as Pod).spec;
      deepEqual(
        containers.map(({ name, image }) => [name, image]),
        [["main", "quay.io/argoproj/argoexec:v3.7.3"]],
      );
    },
    "a pod without wait gets one without a command, which is why the page warns"() {
      const pod = recordedPod("hello-world", "ci");
      pod.spec.containers = pod.spec.containers.filter(({ name }) => name !== "wait");
      const added = patch(pod, patches.init).spec.containers.find(({ name }) => name === "wait");
      deepEqual(Object.keys(added ?? {}).sort(), ["image", "name", "resources"]);
    },
  };
}
