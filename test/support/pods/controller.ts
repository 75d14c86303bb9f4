import type { SandboxProcess } from "@skein/lab/testing";

/**
 * The controller's part in the end of a pod: when one of the main containers has failed, or all have ended, it has
 * `argoexec kill 15 1` run in every container that is left (contract §18).
 */
export async function playController(
  containers: Readonly<Record<string, SandboxProcess>>,
  mains: readonly string[],
): Promise<void> {
  const running = new Set(Object.values(containers));
  for (const process of running) void process.exitCode.then(() => running.delete(process));
  const ends = mains.flatMap((name) => containers[name]?.exitCode ?? []);
  // Without any main container that ever started, a controller waits for the pod as a whole.
  if (ends.length < mains.length) return;
  const failure = ends.map(async (end) => {
    if ((await end) === 0) throw new Error("not this one");
  });
  await Promise.any([...failure, Promise.all(ends)]);
  for (const process of running) process.kill("SIGTERM");
}
