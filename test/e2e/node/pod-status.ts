import type { Container, Pod } from "../controller/pod.ts";
import type { Terminated } from "./container-life.ts";
import type { PodStatus } from "./kubelet.ts";

/** What is known of a pod's containers while it runs. */
export interface Progress {
  /** When each was started, RFC 3339. One that was not is not there. */
  started: Readonly<Record<string, string>>;
  terminated: Readonly<Record<string, Terminated>>;
  /** Once all is over. */
  end?: PodStatus;
}

/** `status` of a pod as a kubelet reports it, as far as controllers of workflows read it. */
export function podStatus({ spec }: Pod, { started, terminated, end }: Progress): object {
  const status = ({ name, image }: Container): object => ({
    name,
    image,
    imageID: image,
    restartCount: 0,
    ready: name in started && !(name in terminated),
    state: state(name),
  });
  const state = (name: string): object => {
    const ended = terminated[name];
    if (ended) return { terminated: ended };
    const startedAt = started[name];
    return startedAt ? { running: { startedAt } } : { waiting: { reason: "PodInitializing" } };
  };
  const hasMainBegun = spec.containers.some(({ name }) => name in started);
  return {
    phase: end?.phase ?? (hasMainBegun ? "Running" : "Pending"),
    ...(end?.reason === undefined ? {} : { reason: end.reason }),
    ...(end?.message === undefined ? {} : { message: end.message }),
    hostIP: "127.0.0.1",
    podIP: "127.0.0.1",
    initContainerStatuses: (spec.initContainers ?? []).map(status),
    // By name, as kubelets sort them: a controller that stops a pod tells its containers in this order.
    containerStatuses: spec.containers.toSorted((one, other) => (one.name < other.name ? -1 : 1)).map(status),
  };
}
