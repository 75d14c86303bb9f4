import { existsSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import type { SandboxProcess } from "@skein/lab/testing";

const START_MS = 10_000;
const POLL_MS = 10;

/**
 * The controller's part in the end of a pod: when one of the main containers has failed, or all have ended, it has
 * `argoexec kill 15 1` run in every container that is left (contract §18).
 *
 * @param journal path of the file by which a container shows that it has begun: a controller takes its time, and a
 *   signal in the first milliseconds of a process 1 goes unheard
 */
export async function playController(
  containers: Readonly<Record<string, SandboxProcess>>,
  mains: readonly string[],
  journal: (container: string) => string,
): Promise<void> {
  const running = new Map(Object.entries(containers));
  for (const [name, { exitCode }] of running) void exitCode.then(() => running.delete(name));
  const ends = mains.flatMap((name) => containers[name]?.exitCode ?? []);
  // Without any main container that ever started, a controller waits for the pod as a whole.
  if (ends.length < mains.length) return;
  const failure = ends.map(async (end) => {
    if ((await end) === 0) throw new Error("not this one");
  });
  await Promise.any([...failure, Promise.all(ends)]);
  for (const [name, process] of running) {
    for (let waited = 0; !existsSync(journal(name)) && waited < START_MS; waited += POLL_MS)
      await delay(POLL_MS);
    process.kill("SIGTERM");
  }
}
