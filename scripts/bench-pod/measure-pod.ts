import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { ControllerVersion } from "../../test/e2e/controller/versions.ts";
import type { RunningPod } from "../../test/e2e/node/kubelet.ts";
import { runStep, type StepEnd, type StepRequest, TASK_RESULTS } from "../../test/e2e/suite/run-step.ts";
import type { World } from "../../test/e2e/suite/world.ts";
import type { Cgroups, Charged } from "./cgroups.ts";

export interface ContainerFigures {
  /** From the start of its process to the end. */
  seconds: number;
  cpuSeconds: number;
  peakBytes: number;
  /** Largest of those seen, every 10 ms. */
  peakAnonymousBytes: number;
  /** Seen while main slept. */
  idle?: Charged;
}

/** One pod, once. */
export interface PodFigures {
  /** From the first container's start to the moment an informer hears of the label. */
  labelSeconds: number;
  /** Between the end of `init` and the start of `wait`: the kubelet's and the container engine's. */
  betweenSeconds: number;
  /** From main's end to the label. */
  afterMainSeconds: number;
  containers: Readonly<Record<string, ContainerFigures>>;
  /** Put into the pod's shared volume by `init`. */
  copiedBytes: number;
  end: StepEnd;
}

export interface MeasureOptions {
  /** Looks at the memory of every container so long after main's start. */
  idleAfterMs?: number;
}

const COMPLETED = "workflows.argoproj.io/report-outputs-completed";
const PERIOD_MS = 10;

export async function measurePod(
  world: World,
  cgroups: Cgroups,
  version: ControllerVersion,
  request: StepRequest,
  options: MeasureOptions = {},
): Promise<PodFigures> {
  const watching = new AbortController();
  const labels = watchLabels(world, watching.signal);
  const samples = new Map<string, { anonymousBytes: number; idle?: Charged }>();
  let pod: RunningPod | undefined;
  const end = await runStep(world, version, {
    ...request,
    onPod: (running) => {
      pod = running;
      request.onPod?.(running);
      void sample(running, cgroups, samples);
    },
    meanwhile: async (running, step, built) => {
      await request.meanwhile?.(running, step, built);
      if (options.idleAfterMs === undefined) return;
      await running.started("main");
      await delay(options.idleAfterMs);
      for (const [name, one] of samples)
        if (running.isRunning(name)) one.idle = cgroups.now(running.name, name);
    },
  });
  const { containers } = end.status;
  const labelled = await labels.of(end.step.nodeId);
  watching.abort();
  const at = (name: string, when: "startedAt" | "finishedAt"): number =>
    Date.parse(containers[name]?.[when] ?? "");
  const auxiliary = version.layout === "init" ? "wait" : "supervisor";
  const first = Math.min(...Object.keys(containers).map((name) => at(name, "startedAt")));
  const figures = {
    labelSeconds: (labelled - first) / 1000,
    betweenSeconds: containers.init ? (at(auxiliary, "startedAt") - at("init", "finishedAt")) / 1000 : 0,
    afterMainSeconds: (labelled - at("main", "finishedAt")) / 1000,
    containers: Object.fromEntries(
      Object.keys(containers).map((name) => [
        name,
        {
          seconds: (at(name, "finishedAt") - at(name, "startedAt")) / 1000,
          cpuSeconds: cgroups.cpuSeconds(end.running.name, name),
          peakBytes: cgroups.peakBytes(end.running.name, name),
          peakAnonymousBytes: samples.get(name)?.anonymousBytes ?? 0,
          ...(samples.get(name)?.idle ? { idle: samples.get(name)?.idle as Charged } : {}),
        },
      ]),
    ),
    copiedBytes: copiedBytes(end.running),
    end,
  };
  if (pod) await world.kubelet.remove(pod);
  return figures;
}

/** Hears of task results as a controller's informer does. */
function watchLabels({ api }: World, signal: AbortSignal): { of(name: string): Promise<number> } {
  const seen = new Map<string, number>();
  let heard = Promise.withResolvers<void>();
  void (async () => {
    try {
      for await (const { metadata } of api.admin.watch(TASK_RESULTS, signal)) {
        const isNew = metadata.labels?.[COMPLETED] === "true" && !seen.has(metadata.name ?? "");
        if (isNew) seen.set(metadata.name ?? "", Date.now());
        heard.resolve();
        heard = Promise.withResolvers();
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  })();
  return {
    async of(name) {
      for (;;) {
        const at = seen.get(name);
        if (at !== undefined) return at;
        await heard.promise;
      }
    },
  };
}

async function sample(
  pod: RunningPod,
  cgroups: Cgroups,
  samples: Map<string, { anonymousBytes: number; idle?: Charged }>,
): Promise<void> {
  let isOver = false;
  const over = (): void => {
    isOver = true;
  };
  pod.end.then(over, over);
  while (!isOver) {
    for (const name of ["init", "wait", "supervisor", "main"]) {
      if (!pod.isRunning(name)) continue;
      const one = samples.get(name) ?? { anonymousBytes: 0 };
      samples.set(name, one);
      one.anonymousBytes = Math.max(one.anonymousBytes, cgroups.now(pod.name, name).anonymousBytes);
    }
    await delay(PERIOD_MS);
  }
}

function copiedBytes({ volumes }: RunningPod): number {
  const copy = join(volumes.path("var-run-argo"), "argoexec");
  return statSync(copy, { throwIfNoEntry: false })?.size ?? 0;
}
