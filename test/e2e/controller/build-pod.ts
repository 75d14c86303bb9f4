import { commonEnvironment, executorEnvironment } from "./environment.ts";
import type { Container, Pod, VolumeMount } from "./pod.ts";
import type { AuthorContainer, ControllerConfig, Step } from "./step.ts";
import { MAX_ENV_LENGTH, mainContainers, templateText } from "./template-text.ts";
import type { ControllerVersion } from "./versions.ts";
import { ARGO_BIN, type PodVolumes, podVolumes, VAR_RUN_ARGO } from "./volumes.ts";

/** A pod, and the ConfigMap of the same name when something was too long for it. */
export interface BuiltPod {
  pod: Pod;
  offloaded?: Record<string, string>;
}

const CONFIG_MOUNT: VolumeMount = { name: "argo-env-config", mountPath: "/argo/config" };
const ARGS_FILE = "ARGO_CONTAINER_ARGS_FILE";

/** The pod of one step, as a controller of that version makes it (contract §1, Appendix A). */
export function buildPod(step: Step, version: ControllerVersion, config: ControllerConfig): BuiltPod {
  const volumes = podVolumes(step, version, config);
  const template = templateText(step, config, version.templateEverywhere);
  const isInitless = version.layout === "initless";
  const offloaded: Record<string, string> = {};
  const executor = (name: string, mounts: VolumeMount[], carriesTemplate: boolean): Container => {
    const isTooLong = carriesTemplate && version.offloadsTemplate && template.length > MAX_ENV_LENGTH;
    if (isTooLong) offloaded.ARGO_TEMPLATE = template;
    const text = isTooLong ? "offloaded" : template;
    return {
      name,
      image: config.executor.image,
      command: ["argoexec", name, ...version.logFlags],
      env: [
        ...executorEnvironment(step, version, config, name === "init" ? "init" : "auxiliary"),
        ...withTemplateLast(isInitless, [
          ...commonEnvironment(step, version, { name, ...(carriesTemplate ? { template: text } : {}) }),
        ]),
        ...gracePeriod(step, version, name),
      ],
      volumeMounts: [...mounts, ...(isTooLong ? [CONFIG_MOUNT] : [])],
      ...(config.executor.resources ? { resources: config.executor.resources } : {}),
      ...(config.executor.securityContext ? { securityContext: config.executor.securityContext } : {}),
    };
  };
  const initContainers = isInitless ? [] : [executor("init", volumes.init, true)];
  const auxiliary = isInitless ? "supervisor" : "wait";
  const containers = [
    executor(auxiliary, volumes.auxiliary, isInitless || version.templateEverywhere),
    ...userContainers(step, version, config, volumes, template),
  ];
  if (version.offloadsArgs) offloadArgs(containers, offloaded);
  const hasConfig = Object.keys(offloaded).length > 0;
  return {
    pod: {
      apiVersion: "v1",
      kind: "Pod",
      metadata: metadata(step, version, config, containers),
      spec: {
        volumes: [
          ...volumes.volumes,
          ...(hasConfig ? [{ name: "argo-env-config", configMap: { name: step.podName } }] : []),
        ],
        ...(isInitless ? {} : { initContainers }),
        containers,
        restartPolicy: "Never",
        serviceAccountName: step.serviceAccountName,
        ...only(step, ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "securityContext"]),
      },
    },
    ...(hasConfig ? { offloaded } : {}),
  };
}

/** On a supervisor the template comes after everything else. */
function withTemplateLast<T extends { name: string }>(isInitless: boolean, variables: T[]): T[] {
  if (!isInitless) return variables;
  const isTemplate = ({ name }: T): boolean => name === "ARGO_TEMPLATE";
  return [...variables.filter((one) => !isTemplate(one)), ...variables.filter(isTemplate)];
}

function gracePeriod(step: Step, { gracePeriodTo }: ControllerVersion, container: string) {
  const { terminationGracePeriodSeconds: seconds } = step;
  const isTold =
    seconds !== undefined && container !== "init" && (gracePeriodTo === "all" || container === "wait");
  return isTold ? [{ name: "ARGO_TERMINATION_GRACE_PERIOD_SECONDS", value: String(seconds) }] : [];
}

/** The author's containers and sidecars, wrapped. */
function userContainers(
  step: Step,
  version: ControllerVersion,
  config: ControllerConfig,
  volumes: PodVolumes,
  template: string,
): Container[] {
  const { containerSet, script, sidecars = [] } = step.template;
  const isInitless = version.layout === "initless";
  const front = isInitless ? "/argo-bin/bin/argoexec" : "/var/run/argo/argoexec";
  const wrap = (author: AuthorContainer, isSidecar: boolean): Container => {
    const { name = "main", dependencies: _, ...rest } = author;
    const isMain = name === "main";
    const image = author.command ? undefined : config.images?.[author.image];
    const command = author.command ?? image?.command ?? [];
    const args = author.args ?? image?.args;
    const defaults = isSidecar ? undefined : config.mainContainer;
    const { source: __, ...container } = rest as typeof rest & { source?: string };
    return {
      ...defaults,
      ...container,
      name,
      command: [front, "emissary", ...version.logFlags, "--", ...command],
      ...(args ? { args } : {}),
      ...(isMain && script ? { args: [...(args ?? []), "/argo/staging/script"] } : {}),
      env: [
        ...(defaults?.env ?? []),
        ...(author.env ?? []),
        ...commonEnvironment(step, version, { name, ...(version.templateEverywhere ? { template } : {}) }),
        ...(isInitless ? [{ name: "ARGO_WAIT_FOR_READY", value: "true" }] : []),
        ...gracePeriod(step, version, name),
      ],
      volumeMounts: [
        ...(author.volumeMounts ?? []),
        ...(isSidecar ? [] : (containerSet?.volumeMounts ?? [])),
        ...(isMain ? volumes.main : []),
        ...(isInitless ? [ARGO_BIN] : []),
        VAR_RUN_ARGO,
      ],
    };
  };
  return [
    ...mainContainers(step.template).map((author) => wrap(author, false)),
    ...sidecars.map((author) => wrap(author, true)),
  ];
}

/** Of the first container whose arguments are too long. */
function offloadArgs(containers: Container[], offloaded: Record<string, string>): void {
  const long = containers.find(
    ({ args, command }) =>
      command?.includes("emissary") && args && JSON.stringify(args).length > MAX_ENV_LENGTH,
  );
  if (!long) return;
  offloaded[ARGS_FILE] = JSON.stringify(long.args);
  delete long.args;
  long.env?.push({ name: ARGS_FILE, value: `/argo/config/${ARGS_FILE}` });
  long.volumeMounts?.push(CONFIG_MOUNT);
}

function metadata(
  step: Step,
  { traces }: ControllerVersion,
  { namespace }: ControllerConfig,
  containers: readonly Container[],
): Pod["metadata"] {
  const { workflow, template, trace } = step;
  const names = containers.map(({ name }) => name).slice(0, 1 + mainContainers(template).length);
  return {
    name: step.podName,
    namespace,
    labels: {
      "workflows.argoproj.io/completed": "false",
      "workflows.argoproj.io/workflow": workflow.name,
      ...template.metadata?.labels,
    },
    annotations: {
      "kubectl.kubernetes.io/default-container": names.includes("main") ? "main" : (names.at(-1) ?? ""),
      "workflows.argoproj.io/node-id": step.nodeId,
      "workflows.argoproj.io/node-name": step.nodeName,
      ...(traces
        ? {
            "workflows.argoproj.io/span-id": trace.spanId,
            "workflows.argoproj.io/trace-id": trace.traceId,
          }
        : {}),
      ...template.metadata?.annotations,
    },
    ownerReferences: [
      {
        apiVersion: "argoproj.io/v1alpha1",
        kind: "Workflow",
        name: workflow.name,
        uid: workflow.uid,
        controller: true,
        blockOwnerDeletion: true,
      },
    ],
  };
}

function only<T extends object, K extends keyof T>(from: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(
    keys.filter((key) => from[key] !== undefined).map((key) => [key, from[key]]),
  ) as Pick<T, K>;
}
