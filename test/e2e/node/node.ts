import { NODE } from "../cluster/access.ts";
import { type KubeClient, KubeError } from "../cluster/kube-client.ts";
import type { Pod } from "../controller/pod.ts";
import type { Terminated } from "./container-life.ts";
import type { CreatedPod, Kubelet, PodStatus, RunningPod } from "./kubelet.ts";
import { podStatus } from "./pod-status.ts";

/** A node that runs whatever pods somebody else creates in a namespace, until it is disposed. */
export interface Node extends AsyncDisposable {
  /** Pods that it has run or runs, by name. */
  pods: ReadonlyMap<string, RunningPod>;
  /** Rejects when a pod could not be run, or when the API server is gone; never resolves. */
  failed: Promise<never>;
}

export interface NodeOptions {
  admin: KubeClient;
  kubelet: Kubelet;
  namespace: string;
}

type SeenPod = CreatedPod & { metadata: { deletionTimestamp?: string; deletionGracePeriodSeconds?: number } };

/** Scheduler and kubelet: binds each pod to this node, runs it, reports its status, and removes it when it is deleted. */
export function createNode({ admin, kubelet, namespace }: NodeOptions): Node {
  const stop = new AbortController();
  const pods = new Map<string, RunningPod>();
  const running = new Set<string>();
  const deleted = new Set<string>();
  const path = `/api/v1/namespaces/${namespace}/pods`;

  const bind = ({ metadata: { name } }: SeenPod): Promise<unknown> =>
    admin.create(`${path}/${name}/binding`, {
      apiVersion: "v1",
      kind: "Binding",
      metadata: { name },
      target: { apiVersion: "v1", kind: "Node", name: NODE },
    });

  const see = async (pod: SeenPod): Promise<void> => {
    const { name, deletionTimestamp, deletionGracePeriodSeconds } = pod.metadata;
    if (deletionTimestamp !== undefined) {
      if (deleted.has(name)) return;
      deleted.add(name);
      await pods.get(name)?.delete(deletionGracePeriodSeconds);
      await unlessGone(admin.delete(`${path}/${name}?gracePeriodSeconds=0`));
    } else if (pod.spec.nodeName === undefined) await bind(pod);
    else if (!running.has(name)) {
      running.add(name);
      await run(pod);
    }
  };

  async function run(pod: SeenPod): Promise<void> {
    const own = await kubelet.adopt(pod);
    pods.set(own.name, own);
    await report(pod, own, (status) => unlessGone(admin.patch(`${path}/${own.name}/status`, { status })));
  }

  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {}); // for whoever waits for it
  const fail = (error: unknown): void => {
    if (!stop.signal.aborted) failed.reject(error);
  };
  void (async () => {
    for await (const pod of admin.watch<SeenPod>(path, stop.signal)) unlessGone(see(pod)).catch(fail);
    throw new Error("the watch for pods has ended");
  })().catch(fail);
  return {
    pods,
    failed: failed.promise,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.allSettled([...pods.values()].map((pod) => pod.delete(0)));
    },
  };
}

/** Tells of each change in a pod's containers, one after another, and last of its end. */
async function report(pod: Pod, running: RunningPod, tell: (status: object) => Promise<void>): Promise<void> {
  const started: Record<string, string> = {};
  const terminated: Record<string, Terminated> = {};
  let telling: Promise<void> = Promise.resolve();
  let end: PodStatus | undefined;
  const publish = (): void => {
    const status = podStatus(pod, {
      started: { ...started },
      terminated: { ...terminated },
      ...(end && { end }),
    });
    telling = telling.then(() => tell(status));
  };
  for (const { name } of [...(pod.spec.initContainers ?? []), ...pod.spec.containers]) {
    void running.started(name).then(() => {
      started[name] = new Date().toISOString();
      if (!end) publish();
    });
    void running.ended(name).then(
      (ended) => {
        terminated[name] = ended;
        if (!end) publish();
      },
      () => {}, // said by the pod's end
    );
  }
  end = await running.end;
  Object.assign(terminated, end.containers);
  publish();
  await telling;
}

/** A pod may be deleted whenever somebody likes. */
async function unlessGone(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch (error) {
    if (!(error instanceof KubeError && (error.status === 404 || error.status === 409))) throw error;
  }
}
