import { existsSync } from "node:fs";
import { join } from "node:path";
import type { ApiServer } from "../cluster/api-server.ts";
import type { KubeClient } from "../cluster/kube-client.ts";
import { requestToken } from "../cluster/tokens.ts";
import type { KeyToPath, Pod, ProjectedSource, Volume, VolumeMount } from "../controller/pod.ts";
import { makeEmptyDirectory, writeAtomically } from "./kubelet-volume.ts";

/** The volumes of one pod as directories of the machine. */
export interface PodVolumes {
  /** Directory of a volume. */
  path(name: string): string;
  /** Flags for the container engine. A `subPath` that is not there becomes a directory, as a kubelet makes it. */
  mountFlag(mount: VolumeMount): string;
  /** Replaces the service account's token, as a kubelet does when most of its life is over. */
  writeToken(token: string): void;
  /** The token that the pod has just now. */
  token(): string;
}

type CreatedPod = Pod & { metadata: { uid: string } };

/** @param imageRoot where the files of an image are */
export async function createPodVolumes(
  api: ApiServer,
  pod: CreatedPod,
  directory: string,
  imageRoot: (reference: string) => Promise<string>,
): Promise<PodVolumes> {
  const fsGroup = pod.spec.securityContext?.fsGroup;
  const images = new Map<string, string>();
  const path = (name: string): string => join(directory, name);
  let token = "";
  const projected = new Map<string, Record<string, string>>();
  for (const volume of pod.spec.volumes) {
    if (volume.image) images.set(volume.name, await imageRoot(volume.image.reference));
    else if (volume.projected) {
      token = await requestToken(api.admin, pod.metadata.namespace, pod.spec.serviceAccountName, {
        name: pod.metadata.name,
        uid: pod.metadata.uid,
      });
      const files = await projectedFiles(api.admin, pod, volume.projected.sources, token);
      projected.set(volume.name, files);
      writeAtomically(path(volume.name), files);
    } else if (volume.emptyDir) makeEmptyDirectory(path(volume.name), fsGroup);
    else writeAtomically(path(volume.name), await filesOf(api.admin, pod.metadata.namespace, volume));
  }
  return {
    path,
    mountFlag({ name, mountPath, subPath, readOnly }) {
      const access = readOnly ? ",ro=true" : "";
      const volume = images.get(name) ?? path(name);
      const source = subPath === undefined ? volume : join(volume, subPath);
      if (!existsSync(source)) makeEmptyDirectory(source, fsGroup);
      return `type=bind,source=${source},destination=${mountPath}${access}`;
    },
    writeToken(next) {
      token = next;
      for (const [name, files] of projected) writeAtomically(path(name), { ...files, token: next });
    },
    token: () => token,
  };
}

async function filesOf(
  admin: KubeClient,
  namespace: string,
  { name, secret, configMap }: Volume,
): Promise<Record<string, string>> {
  const core = `/api/v1/namespaces/${namespace}`;
  if (secret) {
    const { data } = await admin.get<{ data: Record<string, string> }>(
      `${core}/secrets/${secret.secretName}`,
    );
    const decoded = Object.entries(data).map(([key, value]) => [
      key,
      Buffer.from(value, "base64").toString(),
    ]);
    return selected(Object.fromEntries(decoded), secret.items);
  }
  if (configMap) return selected(await readConfigMap(admin, namespace, configMap.name), configMap.items);
  throw new Error(`our kubelet knows no volume like ${name}`);
}

async function readConfigMap(
  admin: KubeClient,
  namespace: string,
  name: string,
): Promise<Record<string, string>> {
  const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;
  return (await admin.get<{ data: Record<string, string> }>(path)).data;
}

async function projectedFiles(
  admin: KubeClient,
  { metadata }: CreatedPod,
  sources: readonly ProjectedSource[],
  token: string,
): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const { serviceAccountToken, configMap, downwardAPI } of sources) {
    if (serviceAccountToken) files[serviceAccountToken.path] = token;
    if (configMap)
      Object.assign(
        files,
        selected(await readConfigMap(admin, metadata.namespace, configMap.name), configMap.items),
      );
    for (const { path } of downwardAPI?.items ?? []) files[path] = metadata.namespace;
  }
  return files;
}

function selected(
  content: Readonly<Record<string, string>>,
  items: readonly KeyToPath[] | undefined,
): Record<string, string> {
  if (!items) return { ...content };
  return Object.fromEntries(
    items.map(({ key, path }) => {
      const value = content[key];
      if (value === undefined) throw new Error(`there is no key ${key} for the file ${path} of a volume`);
      return [path, value];
    }),
  );
}
