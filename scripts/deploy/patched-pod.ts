import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CHECKOUT, run } from "./case.ts";

export interface Container {
  name: string;
  image: string;
  securityContext?: object;
  env?: { name: string; value?: string }[];
  volumeMounts?: { name: string; mountPath: string; subPath?: string; readOnly?: boolean }[];
}

export interface Pod {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; labels?: Record<string, string> };
  spec: {
    initContainers?: Container[];
    containers: Container[];
    volumes: { name: string; image?: { reference: string; pullPolicy: string } }[];
    nodeName?: string;
  };
}

export const containersOf = ({ spec }: Pod): Container[] => [
  ...(spec.initContainers ?? []),
  ...spec.containers,
];

/** The pod of test/conformance/pods as the controller sent it: without what the API server and the node added. */
export function recordedPod(name: string, namespace: string): Pod {
  const { apiVersion, kind, metadata, spec } = JSON.parse(
    readFileSync(join(CHECKOUT, "test/conformance/pods", `${name}.json`), "utf8"),
  ) as Pod;
  const isTokens = (volume: { name: string }): boolean => volume.name.startsWith("kube-api-access-");
  const { nodeName: _, ...rest } = spec;
  const pod: Pod = {
    apiVersion,
    kind,
    metadata: { name: metadata.name, namespace, ...(metadata.labels && { labels: metadata.labels }) },
    spec: { ...rest, volumes: spec.volumes.filter((volume) => !isTokens(volume)) },
  };
  for (const container of containersOf(pod)) {
    container.volumeMounts = container.volumeMounts?.filter((mount) => !isTokens(mount)) ?? [];
  }
  return pod;
}

export interface PatchOptions {
  /** Directory for the files that the merge is done with. */
  scratch: string;
  /** The image that is the controller's own executor: the recording's before step 3 of docs/install.md, Skein's after it. */
  executorImage: string;
  /** Block of docs/install.md: a workflow whose spec has a podSpecPatch. */
  workflow: string;
}

/**
 * What a controller makes of the recorded pod when the workflow has a patch. It merges the patch before it wraps
 * commands, and mounts /tmp afterwards in whichever container has the image of its executor
 * (workflow/controller/workflowpod.go:createWorkflowPod, v3.5 to v4.1).
 */
export function patchedPod(recorded: Pod, { scratch, executorImage, workflow }: PatchOptions): Pod {
  const before = structuredClone(recorded);
  const recordedImage = before.spec.containers.find(({ name }) => /^(wait|supervisor)$/.test(name))?.image;
  const own = (image: string): string => (image === recordedImage ? executorImage : image);
  for (const container of containersOf(before)) {
    container.image = own(container.image);
    container.volumeMounts = container.volumeMounts?.filter(({ name }) => name !== "tmp-dir-argo") ?? [];
  }
  for (const { image } of before.spec.volumes) if (image) image.reference = own(image.reference);

  const { spec } = parse(workflow) as { spec: { podSpecPatch: string } };
  const [podFile, patchFile] = [join(scratch, "pod.json"), join(scratch, "pod-spec-patch.yaml")] as const;
  writeFileSync(podFile, JSON.stringify(before));
  writeFileSync(patchFile, spec.podSpecPatch);
  const pod = JSON.parse(run(["podspec", "patch", podFile, patchFile])) as Pod;

  pod.spec.containers.forEach((container, index) => {
    if (container.image === executorImage) {
      container.volumeMounts ??= [];
      container.volumeMounts.push({ name: "tmp-dir-argo", mountPath: "/tmp", subPath: String(index) });
    }
  });
  return pod;
}
