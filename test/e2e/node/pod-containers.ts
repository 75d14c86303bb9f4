import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Container, Pod } from "../controller/pod.ts";
import { containerFlags, refuseRoot } from "./container-flags.ts";
import {
  type ContainerLife,
  createContainerLife,
  readTermination,
  type Terminated,
} from "./container-life.ts";
import type { PodVolumes } from "./pod-volumes.ts";
import type { Podman } from "./podman.ts";

/** The containers of one pod: real ones, sharing its volumes. */
export interface PodContainers {
  life(container: string): ContainerLife;
  /** Names in the container engine of those that were started. */
  ids(): string[];
  /** `undefined` when the pod has been told to stop: then none that waits is started. */
  start(container: Container): Promise<ContainerLife | undefined>;
  /** SIGTERM to all that run at once, SIGKILL to what is left after the grace period. */
  stop(gracePeriodSeconds: number): Promise<void>;
  /** How those ended that were started. */
  terminated(): Promise<Record<string, Terminated>>;
}

export interface PodContainersOptions {
  podman: Podman;
  pod: Pod;
  volumes: PodVolumes;
  /** Each container has a directory in it. */
  directory: string;
  apiPort: number;
  /** More flags for the container engine. */
  flags: (pod: Pod, container: Container) => string[];
}

export function createPodContainers(options: PodContainersOptions): PodContainers {
  const { podman, pod, volumes, directory, apiPort, flags } = options;
  const lives = new Map<string, ContainerLife>();
  const starting = new Set<Promise<ContainerLife>>();
  let isStopping = false;
  const life = (container: string): ContainerLife => {
    const known = lives.get(container);
    if (known) return known;
    const created = createContainerLife(`${pod.metadata.name}_${container}`, join(directory, container));
    lives.set(container, created);
    return created;
  };
  const kill = (signal: string, some: readonly ContainerLife[]): Promise<unknown> =>
    Promise.all(some.map(({ id }) => podman.try("kill", "--signal", signal, id)));
  const begin = async (container: Container): Promise<ContainerLife> => {
    refuseRoot(pod, container, await podman.userOf(container.image));
    const own = life(container.name);
    mkdirSync(own.directory, { recursive: true });
    const terminationLog = join(own.directory, "termination-log");
    writeFileSync(terminationLog, "");
    chmodSync(terminationLog, 0o666);
    const { ended } = await podman.start({
      name: own.id,
      log: join(own.directory, "log"),
      pidFile: join(own.directory, "pid"),
      args: [
        ...(container.volumeMounts ?? []).map((mount) => `--mount=${volumes.mountFlag(mount)}`),
        `--mount=type=bind,source=${terminationLog},destination=/dev/termination-log`,
        ...flags(pod, container),
        ...containerFlags(pod, container, { apiPort }),
      ],
    });
    own.begin(ended.then(() => readTermination(podman, own.id, terminationLog)));
    return own;
  };
  return {
    life,
    ids: () => [...lives.values()].filter(({ hasBegun }) => hasBegun()).map(({ id }) => id),
    async start(container) {
      if (isStopping) return undefined;
      const work = begin(container);
      starting.add(work);
      return await work.finally(() => starting.delete(work));
    },
    async stop(gracePeriodSeconds) {
      isStopping = true;
      // One that is being started would hear nothing, and run on for ever.
      await Promise.allSettled(starting);
      const running = [...lives.values()].filter(({ isRunning }) => isRunning());
      await kill("TERM", running);
      const all = Promise.all(running.map(({ terminated }) => terminated));
      const timer = new AbortController();
      const grace = delay(gracePeriodSeconds * 1000, undefined, { signal: timer.signal }).catch(() => {});
      await Promise.race([all, grace]);
      timer.abort();
      await kill(
        "KILL",
        running.filter(({ isRunning }) => isRunning()),
      );
      await all;
    },
    async terminated() {
      const ends: Record<string, Terminated> = {};
      for (const [name, { hasBegun, terminated }] of lives) if (hasBegun()) ends[name] = await terminated;
      return ends;
    },
  };
}
