import { join } from "node:path";
import {
  type Artifact,
  cleanArtifactPath,
  createPaths,
  findVolumeMount,
  hasKey,
  hasLocation,
  joinPath,
  MAIN_CONTAINER,
  templateVolumeMounts,
  type VolumeMount,
} from "@skein/contract";
import type { SandboxMount } from "../sandbox/sandbox.ts";
import { type AuthoredContainer, authoredContainers } from "../workflow/containers.ts";
import { secretReferences } from "../workflow/secrets.ts";
import type { ExtraContainer, Secrets, Volume, WorkflowTemplate } from "../workflow/types.ts";
import { EXECUTOR_ROOT, type ExecutorSettings } from "./executor-settings.ts";
import { emptyDirectory, makeVolume, subPathOf, writeSecrets } from "./pod-volumes.ts";

/** Where the configuration of a controller with `kubeConfig` is mounted (contract §1.3). */
export const KUBECONFIG = "/kube/config";

/** Where the user's containers of an init-less pod see the executor's image. */
export const IMAGE_VOLUME = "/argo-bin";

const STAGING = "/argo/staging";

const paths = createPaths();

/**
 * What each container of a pod has mounted (contract §1.3). Made once what runs before it has ended: a file that an init
 * container has put into a volume is mounted as a file.
 */
export interface PodMounts {
  init(): SandboxMount[];
  /** Of `wait`, or `supervisor`. */
  auxiliary(): SandboxMount[];
  user(container: AuthoredContainer): SandboxMount[];
}

/** The volumes of a pod, as directories of the machine. */
interface Volumes {
  shared: string;
  temporary: string;
  staging: string;
  inputArtifacts: string;
  /** By the names of the secrets. */
  secrets: ReadonlyMap<string, string>;
  /** By the names of the volumes. */
  user: ReadonlyMap<string, string>;
}

/** @param directory an own directory for the pod's volumes */
export function createPodMounts(
  template: WorkflowTemplate,
  settings: ExecutorSettings,
  directory: string,
  sources: { secrets: Secrets; workflowVolumes: readonly Volume[] },
): PodMounts {
  const volumes = makeVolumes(template, directory, sources);
  const initless = settings.layout === "initless";
  const containers = authoredContainers(template);
  const main = containers.find(({ name, role }) => name === MAIN_CONTAINER && role === "main");

  const common: SandboxMount[] = [
    { source: volumes.shared, target: paths.shared },
    { source: settings.serviceAccount, target: paths.serviceAccount, readOnly: true },
  ];
  const executor: SandboxMount[] = [
    ...common,
    { source: settings.executorDirectory, target: EXECUTOR_ROOT, readOnly: true },
    { source: settings.kubeconfig, target: KUBECONFIG, readOnly: true },
    ...[...volumes.secrets].map(([name, source]) => ({
      source,
      target: join(paths.secrets, name),
      readOnly: true,
    })),
  ];
  const staging = template.script ? [{ source: volumes.staging, target: STAGING }] : [];
  const inputs = template.inputs?.artifacts ?? [];
  const allInputs =
    inputs.length > 0 ? [{ source: volumes.inputArtifacts, target: paths.inputArtifacts }] : [];

  const userMounts = (wanted: readonly VolumeMount[] = []): SandboxMount[] =>
    wanted.map(({ name, mountPath, subPath, readOnly }) => {
      const volume = volumes.user.get(name);
      if (volume === undefined) throw new Error(`there is no volume "${name}"`);
      const source = subPath ? subPathOf(volume, subPath) : volume;
      return { source, target: mountPath, readOnly: readOnly ?? false };
    });
  /** What is mounted for the sake of `main`; sidecars may ask for the same, and `wait` sees it below `/mainctrfs`. */
  const ofMain = (): SandboxMount[] => {
    if (!main) return [];
    const single = inputs.filter((artifact) => isMountedByItself(artifact, template));
    const inputMounts = single.map((artifact) => ({
      source: subPathOf(volumes.inputArtifacts, artifact.name),
      target: cleanArtifactPath(artifact),
    }));
    return [...userMounts(main.container.volumeMounts), ...staging, ...(initless ? allInputs : inputMounts)];
  };
  /** For loading, `readOnly` stays as declared. */
  const forLoading = (): SandboxMount[] => [
    ...staging,
    ...allInputs,
    ...(inputs.length > 0 ? userMounts(templateVolumeMounts(template)).map(onMirror) : []),
  ];
  return {
    init: () => [...executor, ...forLoading()],
    auxiliary: () => {
      const loading = initless ? forLoading() : [];
      const taken = new Set(loading.map(({ target }) => target));
      // For saving, everything can be written.
      const saving = ofMain().map((mount) => ({ ...onMirror(mount), readOnly: false }));
      return [
        ...executor,
        ...loading,
        ...saving.filter(({ target }) => !taken.has(target)),
        // The first container of the pod, so its number is 0.
        { source: emptyDirectory(join(volumes.temporary, "0")), target: "/tmp" },
      ];
    },
    user: ({ name, role, container }) => [
      ...common,
      ...(initless ? [{ source: settings.executorDirectory, target: IMAGE_VOLUME, readOnly: true }] : []),
      ...(role === "main" && name === MAIN_CONTAINER ? ofMain() : userMounts(container.volumeMounts)),
      ...((container as Partial<ExtraContainer>).mirrorVolumeMounts ? ofMain() : []),
    ],
  };
}

function makeVolumes(
  template: WorkflowTemplate,
  directory: string,
  { secrets, workflowVolumes }: { secrets: Secrets; workflowVolumes: readonly Volume[] },
): Volumes {
  const declared = [...workflowVolumes, ...(template.volumes ?? [])];
  const used = new Set(
    authoredContainers(template).flatMap(({ container }) =>
      (container.volumeMounts ?? []).map((mount) => mount.name),
    ),
  );
  const user = new Map(
    declared
      .filter((volume) => used.has(volume.name))
      .map((volume) => [volume.name, makeVolume(join(directory, "user"), volume, secrets)]),
  );
  const { inputs, outputs, archiveLocation } = template;
  const references = secretReferences({ inputs, outputs, archiveLocation });
  return {
    shared: emptyDirectory(join(directory, "var-run-argo")),
    temporary: emptyDirectory(join(directory, "tmp-dir-argo")),
    staging: emptyDirectory(join(directory, "argo-staging")),
    inputArtifacts: emptyDirectory(join(directory, "input-artifacts")),
    secrets: writeSecrets(join(directory, "secrets"), references, secrets),
    user,
  };
}

function isMountedByItself(artifact: Artifact, template: WorkflowTemplate): boolean {
  if (artifact.optional && !hasLocation(artifact) && !hasKey(artifact)) return false;
  return !findVolumeMount(templateVolumeMounts(template), cleanArtifactPath(artifact));
}

function onMirror(mount: SandboxMount): SandboxMount {
  return { ...mount, target: joinPath(paths.mainContainerRoot, mount.target) };
}
