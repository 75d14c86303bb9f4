import { createPaths, INIT_CONTAINER, SUPERVISOR_CONTAINER, WAIT_CONTAINER } from "@skein/contract";
import type { ContainerSpec } from "../sandbox/sandbox.ts";
import { type AuthoredContainer, authoredContainers } from "../workflow/containers.ts";
import type { Secrets, UserContainer, Volume, WorkflowTemplate } from "../workflow/types.ts";
import { expandVariables } from "./expand-variables.ts";
import { executorEnvironment, type PodFacts, userEnvironment } from "./pod-environment.ts";
import { createPodMounts, IMAGE_VOLUME, KUBECONFIG } from "./pod-mounts.ts";

/** The flags a controller passes to every container of the executor (contract §1.4). */
const LOG_FLAGS = ["--loglevel", "info", "--log-format", "text", "--gloglevel", "0"];

const paths = createPaths();

/** The contents of a container; where its files are on the machine is for who starts it. */
export type ContainerPlan = Pick<ContainerSpec, "argv" | "environment" | "mounts" | "workingDirectory">;

/** `auxiliary`: `wait`, or `supervisor`. */
export type PlannedRole = AuthoredContainer["role"] | "auxiliary";

export interface PlannedContainer {
  name: string;
  role: PlannedRole;
  /** To be asked for when the container is about to start: what ran before it decides what its inputs are. */
  plan(): ContainerPlan;
}

/** The containers of a pod, in the order of its specification. */
export interface PodPlan {
  /** Run one after the other, each to its end. */
  init: readonly PlannedContainer[];
  /** Run side by side. The first one is the auxiliary container. */
  containers: readonly PlannedContainer[];
}

/**
 * What controller and kubelet make of a template: volumes, mounts, argv and environment of each container
 * (contract §1.3–1.6, §3; appendix A).
 *
 * @param directory an own directory for the pod's volumes
 */
export function planPod(
  facts: PodFacts,
  directory: string,
  sources: { secrets: Secrets; workflowVolumes: readonly Volume[] },
): PodPlan {
  const { settings, request } = facts;
  const { template } = request;
  const initless = settings.layout === "initless";
  const mounts = createPodMounts(template, settings, directory, sources);
  const executor = (
    name: typeof INIT_CONTAINER | typeof WAIT_CONTAINER | typeof SUPERVISOR_CONTAINER,
  ): PlannedContainer => ({
    name,
    role: name === INIT_CONTAINER ? "init" : "auxiliary",
    plan: () => ({
      argv: ["argoexec", name, ...LOG_FLAGS, "--kubeconfig", KUBECONFIG],
      environment: executorEnvironment(facts, name),
      mounts: name === INIT_CONTAINER ? mounts.init() : mounts.auxiliary(),
    }),
  });
  const user = (authored: AuthoredContainer): PlannedContainer => ({
    name: authored.name,
    role: authored.role,
    plan: () => ({
      ...userProcess(facts, authored, sources.secrets),
      mounts: mounts.user(authored),
      ...(authored.container.workingDir ? { workingDirectory: authored.container.workingDir } : {}),
    }),
  });
  const authored = authoredContainers(template);
  return {
    init: [
      ...(initless ? [] : [executor(INIT_CONTAINER)]),
      ...authored.filter(({ role }) => role === "init").map(user),
    ],
    containers: [
      executor(initless ? SUPERVISOR_CONTAINER : WAIT_CONTAINER),
      ...authored.filter(({ role }) => role !== "init").map(user),
    ],
  };
}

/** Everything but an init container is wrapped (contract §1.5). */
function userProcess(
  facts: PodFacts,
  authored: AuthoredContainer,
  secrets: Secrets,
): Pick<ContainerPlan, "argv" | "environment"> {
  const { settings, request } = facts;
  const environment = userEnvironment(facts, authored, secrets);
  const command = userArgv(request.template, authored).map((word) => expandVariables(word, environment));
  const front = settings.layout === "initless" ? `${IMAGE_VOLUME}/bin/argoexec` : paths.front;
  const wrapper = authored.role === "init" ? [] : [front, "emissary", ...LOG_FLAGS, "--"];
  return { argv: [...wrapper, ...command], environment };
}

function userArgv({ script }: WorkflowTemplate, { role, container }: AuthoredContainer): string[] {
  const { command = [], args = [] }: UserContainer = container;
  return [...command, ...args, ...(role === "main" && script?.source ? [paths.script] : [])];
}
