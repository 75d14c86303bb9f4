import { join } from "node:path";
import {
  type Artifact,
  cleanArtifactPath,
  createPaths,
  findVolumeMount,
  hasKey,
  hasLocation,
  joinPath,
} from "@skein/contract";
import type { ContainerSpec, SandboxMount } from "../sandbox/sandbox.ts";
import { secretReferences } from "../workflow/secrets.ts";
import type { Secrets, UserContainer, Volume, WorkflowTemplate } from "../workflow/types.ts";
import { EXECUTOR_ROOT } from "./executor-settings.ts";
import { expandVariables } from "./expand-variables.ts";
import { executorEnvironment, type PodFacts, userEnvironment } from "./pod-environment.ts";
import { emptyDirectory, makeVolume, subPathOf, writeSecrets } from "./pod-volumes.ts";

/** The flags a controller passes to every container of the executor (contract §1.4). */
const LOG_FLAGS = ["--loglevel", "info", "--log-format", "text", "--gloglevel", "0"];

/** As a controller with `kubeConfig` configured has it (contract §1.3, §1.4). */
const KUBECONFIG = "/kube/config";

const paths = createPaths();

export type ContainerPlan = Pick<ContainerSpec, "argv" | "environment" | "mounts" | "workingDirectory">;

/** The containers of a pod. `wait` and `main` are made once `init` has ended: it decides what their inputs are. */
export interface PodPlan {
  init: ContainerPlan;
  wait(): ContainerPlan;
  main(): ContainerPlan;
}

interface PodVolumes {
  shared: string;
  temporary: string;
  staging: string;
  inputArtifacts: string;
  /** By the names of the secrets. */
  secrets: ReadonlyMap<string, string>;
  /** By the names of the volumes. */
  user: ReadonlyMap<string, string>;
}

/**
 * What controller and kubelet make of a template: volumes, mounts, argv and environment of each container
 * (contract §1.3–1.5, §3; appendix A).
 *
 * @param directory an own directory for the pod's volumes
 */
export function planPod(
  facts: PodFacts,
  directory: string,
  sources: { secrets: Secrets; workflowVolumes: readonly Volume[] },
): PodPlan {
  const { template } = facts.request;
  const volumes = makeVolumes(template, directory, sources);
  const container: UserContainer = template.container ?? template.script ?? {};
  return {
    init: {
      argv: ["argoexec", "init", ...LOG_FLAGS, "--kubeconfig", KUBECONFIG],
      environment: executorEnvironment(facts, "init"),
      mounts: [...executorMounts(facts, volumes), ...initMounts(template, container, volumes)],
    },
    wait: () => ({
      argv: ["argoexec", "wait", ...LOG_FLAGS, "--kubeconfig", KUBECONFIG],
      environment: executorEnvironment(facts, "wait"),
      mounts: [
        ...executorMounts(facts, volumes),
        ...ownMounts(template, container, volumes).map(mirrored),
        // The first container of the pod, so its number is 0.
        { source: emptyDirectory(join(volumes.temporary, "0")), target: "/tmp" },
      ],
    }),
    main: () => ({
      ...mainProcess(facts, template, container, sources.secrets),
      mounts: [...commonMounts(facts, volumes), ...ownMounts(template, container, volumes)],
      ...(container.workingDir ? { workingDirectory: container.workingDir } : {}),
    }),
  };
}

function makeVolumes(
  template: WorkflowTemplate,
  directory: string,
  { secrets, workflowVolumes }: { secrets: Secrets; workflowVolumes: readonly Volume[] },
): PodVolumes {
  const { env: _env, ...withoutEnvironment } = template.container ?? template.script ?? {};
  const references = secretReferences({ ...template, container: withoutEnvironment, script: undefined });
  const declared = [...workflowVolumes, ...(template.volumes ?? [])];
  const used = new Set((template.container ?? template.script)?.volumeMounts?.map((mount) => mount.name));
  const user = new Map(
    declared
      .filter((volume) => used.has(volume.name))
      .map((volume) => [volume.name, makeVolume(join(directory, "user"), volume, secrets)]),
  );
  return {
    shared: emptyDirectory(join(directory, "var-run-argo")),
    temporary: emptyDirectory(join(directory, "tmp-dir-argo")),
    staging: emptyDirectory(join(directory, "argo-staging")),
    inputArtifacts: emptyDirectory(join(directory, "input-artifacts")),
    secrets: writeSecrets(join(directory, "secrets"), references, secrets),
    user,
  };
}

function commonMounts({ settings }: PodFacts, { shared }: PodVolumes): SandboxMount[] {
  return [
    { source: shared, target: paths.shared },
    { source: settings.serviceAccount, target: paths.serviceAccount, readOnly: true },
  ];
}

function executorMounts(facts: PodFacts, volumes: PodVolumes): SandboxMount[] {
  const { settings } = facts;
  return [
    ...commonMounts(facts, volumes),
    { source: settings.executorDirectory, target: EXECUTOR_ROOT, readOnly: true },
    { source: settings.kubeconfig, target: KUBECONFIG, readOnly: true },
    ...[...volumes.secrets].map(([name, source]) => ({
      source,
      target: join(paths.secrets, name),
      readOnly: true,
    })),
  ];
}

function initMounts(
  template: WorkflowTemplate,
  container: UserContainer,
  volumes: PodVolumes,
): SandboxMount[] {
  const inputs = template.inputs?.artifacts ?? [];
  return [
    ...(template.script ? [{ source: volumes.staging, target: "/argo/staging" }] : []),
    ...(inputs.length > 0 ? [{ source: volumes.inputArtifacts, target: paths.inputArtifacts }] : []),
    ...(inputs.length > 0 ? userMounts(container, volumes).map((mount) => onMirror(mount)) : []),
  ];
}

/** What only `main` has mounted, and `wait` sees below `/mainctrfs`. */
function ownMounts(
  template: WorkflowTemplate,
  container: UserContainer,
  volumes: PodVolumes,
): SandboxMount[] {
  return [
    ...userMounts(container, volumes),
    ...(template.script ? [{ source: volumes.staging, target: "/argo/staging" }] : []),
    ...(template.inputs?.artifacts ?? [])
      .filter((artifact) => isMountedByItself(artifact, container))
      .map((artifact) => ({
        source: subPathOf(volumes.inputArtifacts, artifact.name),
        target: cleanArtifactPath(artifact),
      })),
  ];
}

function isMountedByItself(artifact: Artifact, container: UserContainer): boolean {
  if (artifact.optional && !hasLocation(artifact) && !hasKey(artifact)) return false;
  return !findVolumeMount(container.volumeMounts ?? [], cleanArtifactPath(artifact));
}

function userMounts(container: UserContainer, volumes: PodVolumes): SandboxMount[] {
  return (container.volumeMounts ?? []).map(({ name, mountPath, subPath, readOnly }) => {
    const volume = volumes.user.get(name);
    if (volume === undefined) throw new Error(`there is no volume "${name}"`);
    return {
      source: subPath ? subPathOf(volume, subPath) : volume,
      target: mountPath,
      readOnly: readOnly ?? false,
    };
  });
}

/** For loading, `readOnly` stays as declared; for saving, everything can be written. */
function onMirror(mount: SandboxMount): SandboxMount {
  return { ...mount, target: joinPath(paths.mainContainerRoot, mount.target) };
}

function mirrored(mount: SandboxMount): SandboxMount {
  return { ...onMirror(mount), readOnly: false };
}

function mainProcess(
  facts: PodFacts,
  template: WorkflowTemplate,
  container: UserContainer,
  secrets: Secrets,
): Pick<ContainerPlan, "argv" | "environment"> {
  const environment = userEnvironment(facts, container, secrets);
  const command = userArgv(template, container).map((word) => expandVariables(word, environment));
  return { argv: [paths.front, "emissary", ...LOG_FLAGS, "--", ...command], environment };
}

function userArgv(template: WorkflowTemplate, { command = [], args = [] }: UserContainer): string[] {
  const script = template.script?.source ? [paths.script] : [];
  return [...command, ...args, ...script];
}
