import { readFileSync } from "node:fs";
import type { Podman } from "./podman.ts";

/** How a container ended, as `status.containerStatuses[].state.terminated` says it. */
export interface Terminated {
  exitCode: number;
  reason: "Completed" | "Error" | "OOMKilled";
  /** Content of its termination log. */
  message: string;
  /** RFC 3339, to the nanosecond. */
  startedAt: string;
  finishedAt: string;
}

/** One container of a pod, from before its start to after its end. */
export interface ContainerLife {
  /** Name in the container engine. */
  id: string;
  /** Where its log and its termination log are. */
  directory: string;
  /** Never resolves for a container that is never started; neither does `terminated`. */
  started: Promise<void>;
  terminated: Promise<Terminated>;
  hasBegun(): boolean;
  isRunning(): boolean;
  begin(terminated: Promise<Terminated>): void;
}

export function createContainerLife(id: string, directory: string): ContainerLife {
  const started = Promise.withResolvers<void>();
  const terminated = Promise.withResolvers<Terminated>();
  terminated.promise.catch(() => {}); // whoever waits for it hears of it
  let state: "waiting" | "running" | "terminated" = "waiting";
  return {
    id,
    directory,
    started: started.promise,
    terminated: terminated.promise,
    hasBegun: () => state !== "waiting",
    isRunning: () => state === "running",
    begin(end) {
      state = "running";
      started.resolve();
      terminated.resolve(
        end.finally(() => {
          state = "terminated";
        }),
      );
    },
  };
}

/** Asks the container engine how a container ended. */
export async function readTermination(
  podman: Podman,
  id: string,
  terminationLog: string,
): Promise<Terminated> {
  const [{ State: state }] = JSON.parse(await podman.run("container", "inspect", id)) as [
    { State: { ExitCode: number; OOMKilled: boolean; StartedAt: string; FinishedAt: string } },
  ];
  return {
    exitCode: state.ExitCode,
    reason: state.OOMKilled ? "OOMKilled" : state.ExitCode === 0 ? "Completed" : "Error",
    message: readFileSync(terminationLog, "utf8"),
    startedAt: state.StartedAt,
    finishedAt: state.FinishedAt,
  };
}
