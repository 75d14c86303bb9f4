import type { RunningPod } from "../node/kubelet.ts";
import type { Container, Pod } from "./pod.ts";

/** The annotation by which an author says how a container is ended. */
const KILL_COMMAND = "workflows.argoproj.io/kill-cmd-";

/** What a controller runs in a container to end it (contract §18). */
export function killCommand(pod: Pod, container: Container, signal: number): string[] {
  const annotation = pod.metadata.annotations[`${KILL_COMMAND}${container.name}`];
  if (annotation !== undefined)
    return (JSON.parse(annotation) as string[]).map((part) => part.replace("%d", String(signal)));
  const mounts = (container.volumeMounts ?? []).map(({ mountPath }) => mountPath);
  const kill = ["kill", String(signal), "1"];
  if (container.name === "wait" || container.name === "supervisor") return ["argoexec", ...kill];
  if (mounts.includes("/argo-bin")) return ["/argo-bin/bin/argoexec", ...kill];
  if (mounts.includes("/var/run/argo")) return ["/var/run/argo/argoexec", ...kill];
  return ["/bin/sh", "-c", `kill -${signal} 1`];
}

/**
 * One exec after another into every container that runs, in the order of their statuses, which kubelets sort by name. Its
 * failures count for nothing.
 */
export async function terminateContainers(pod: Pod, running: RunningPod, signal = 15): Promise<void> {
  for (const container of pod.spec.containers.toSorted((one, other) => (one.name < other.name ? -1 : 1))) {
    if (running.isRunning(container.name))
      await running.exec(container.name, ...killCommand(pod, container, signal));
  }
}

/**
 * The controller's part in the end of a pod: when a main container has failed, or all have ended, it terminates what is
 * left, and after the grace period once more with SIGKILL.
 *
 * @param mains names of the main containers
 */
export async function watchMains(
  pod: Pod,
  running: RunningPod,
  mains: readonly string[],
  gracePeriodSeconds: number,
): Promise<void> {
  const ends = mains.map((name) => running.ended(name));
  const failures = ends.map(async (end) => {
    if ((await end).exitCode === 0) throw new Error("not this one");
  });
  const over = running.end.then(
    () => "over" as const,
    () => "over" as const,
  );
  const first = await Promise.race([over, Promise.any([...failures, Promise.all(ends)])]);
  if (first === "over") return;
  await terminateContainers(pod, running);
  const timer = Promise.withResolvers<"late">();
  const timeout = setTimeout(() => timer.resolve("late"), gracePeriodSeconds * 1000);
  if ((await Promise.race([over, timer.promise])) === "late") await terminateContainers(pod, running, 9);
  clearTimeout(timeout);
}
