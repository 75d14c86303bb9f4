import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { NODE } from "../cluster/access.ts";
import type { ApiServer } from "../cluster/api-server.ts";
import type { Container, Pod } from "../controller/pod.ts";
import type { Terminated } from "./container-life.ts";
import { createPodContainers, type PodContainers } from "./pod-containers.ts";
import { createPodVolumes, type PodVolumes } from "./pod-volumes.ts";
import type { Finished, Podman } from "./podman.ts";

export interface PodStatus {
  phase: "Succeeded" | "Failed";
  /** Said by the kubelet, not by a container. */
  reason?: string;
  message?: string;
  /** By name. A container that never started is not there. */
  containers: Readonly<Record<string, Terminated>>;
}

/** A pod whose containers run, or have run. */
export interface RunningPod {
  name: string;
  uid: string;
  /** Of its containers' logs. */
  directory: string;
  /** Names of its containers in the container engine. */
  containers(): string[];
  volumes: PodVolumes;
  /** Resolves when the container runs; never does for one that is never started. */
  started(container: string): Promise<void>;
  isRunning(container: string): boolean;
  /** Resolves when the container has ended; never does for one that is never started. */
  ended(container: string): Promise<Terminated>;
  /** Everything it has printed so far. */
  log(container: string): string;
  /** Runs a command in a container, as `kubectl exec` does. */
  exec(container: string, ...argv: string[]): Promise<Finished>;
  signal(container: string, signal: string): Promise<void>;
  /** SIGTERM to all containers at once, SIGKILL to what is left after the grace period; none that waits is started. */
  delete(gracePeriodSeconds?: number): Promise<void>;
  end: Promise<PodStatus>;
}

export interface Kubelet {
  /** Creates the pod in the API server, bound to this node, and runs it. */
  run(pod: Pod): Promise<RunningPod>;
  /** Runs a pod that is in the API server, and bound to this node. */
  adopt(pod: CreatedPod): Promise<RunningPod>;
  /** Where a pod's logs and volumes are. */
  directoryOf(pod: string): string;
  /** Removes a pod with everything it left, and ends it where it has not ended. */
  remove(pod: RunningPod): Promise<void>;
}

/** As the API server gives it back. */
export type CreatedPod = Pod & { metadata: { uid: string } };

export interface KubeletOptions {
  api: ApiServer;
  podman: Podman;
  /** Of the pods' volumes and logs. */
  directory: string;
  /** Where the files of an image are: for image volumes, which are always read-only. */
  imageRoot: (reference: string) => Promise<string>;
  /** More flags for the container engine. */
  flags?: (pod: Pod, container: Container) => string[];
}

const DEADLINE = {
  reason: "DeadlineExceeded",
  message: "Pod was active on the node longer than the specified deadline",
};
/** Kubernetes' own default. */
const GRACE_PERIOD_SECONDS = 30;

/** What a kubelet does for pods of workflows; `restartPolicy` is always Never. */
export function createKubelet(options: KubeletOptions): Kubelet {
  const { api, podman, directory, imageRoot, flags = () => [] } = options;
  const directoryOf = (pod: string): string => join(directory, pod);
  const adopt = async (pod: CreatedPod): Promise<RunningPod> => {
    const { name, uid } = pod.metadata;
    const root = directoryOf(name);
    const volumes = await createPodVolumes(api, pod, join(root, "volumes"), imageRoot);
    const apiPort = api.port;
    const containers = createPodContainers({ podman, pod, volumes, directory: root, apiPort, flags });
    const { terminationGracePeriodSeconds: gracePeriod = GRACE_PERIOD_SECONDS } = pod.spec;
    const end = runWithDeadline(pod, containers, gracePeriod);
    end.catch(() => {}); // whoever waits for it hears of it
    const { life, stop } = containers;
    return {
      name,
      uid,
      directory: root,
      containers: containers.ids,
      volumes,
      started: (container) => life(container).started,
      isRunning: (container) => life(container).isRunning(),
      ended: (container) => life(container).terminated,
      log: (container) => readFileSync(join(root, container, "log"), "utf8"),
      exec: (container, ...argv) => podman.try("exec", life(container).id, ...argv),
      signal: async (container, signal) => {
        await podman.run("kill", "--signal", signal, life(container).id);
      },
      delete: (seconds = gracePeriod) => stop(seconds),
      end,
    };
  };
  return {
    directoryOf,
    adopt,
    async remove({ name, containers, delete: end }) {
      await end(0); // a case may have failed before all its containers were started
      const ids = containers();
      if (ids.length > 0) await podman.run("rm", "--force", "--ignore", "--time", "0", ...ids);
      rmSync(directoryOf(name), { recursive: true, force: true });
    },
    async run(wanted) {
      const path = `/api/v1/namespaces/${wanted.metadata.namespace}/pods`;
      const spec = { ...wanted.spec, nodeName: NODE };
      return adopt(await api.admin.create<CreatedPod>(path, { ...wanted, spec }));
    },
  };
}

/** `activeDeadlineSeconds` counts from the pod's start; when it is over, the pod is stopped as if it were deleted. */
async function runWithDeadline(pod: Pod, containers: PodContainers, gracePeriod: number): Promise<PodStatus> {
  const { activeDeadlineSeconds } = pod.spec;
  let killed: typeof DEADLINE | undefined;
  const timer =
    activeDeadlineSeconds === undefined
      ? undefined
      : setTimeout(() => {
          killed = DEADLINE;
          void containers.stop(gracePeriod);
        }, activeDeadlineSeconds * 1000);
  try {
    await runContainers(pod, containers);
    const terminated = await containers.terminated();
    const hasFailed =
      killed !== undefined || Object.values(terminated).some(({ exitCode }) => exitCode !== 0);
    return { phase: hasFailed ? "Failed" : "Succeeded", ...killed, containers: terminated };
  } finally {
    clearTimeout(timer);
  }
}

async function runContainers({ spec }: Pod, { start }: PodContainers): Promise<void> {
  for (const container of spec.initContainers ?? []) {
    const terminated = await (await start(container))?.terminated;
    if (terminated?.exitCode !== 0) return;
  }
  const ends: Promise<Terminated>[] = [];
  for (const container of spec.containers) {
    const life = await start(container);
    if (life) ends.push(life.terminated);
  }
  await Promise.all(ends);
}
