import type { PodOutcome } from "../engine/engine-context.ts";

/** How a container ended. */
export interface ContainerEnd {
  name: string;
  exitCode: number;
  /** The content of its `/dev/termination-log`. */
  terminationMessage: string;
}

/** A kubelet keeps this much of a termination message. */
const MAX_MESSAGE_BYTES = 4096;

/**
 * What the controller makes of a pod's containers (contract §1.8). The first that failed decides, init before main before wait:
 * a failure of the executor's own makes the node an `Error`, one of the user's makes it `Failed`.
 *
 * @param ends in that order; a container that never started is not among them
 */
export function assessPod(ends: readonly ContainerEnd[]): Pick<PodOutcome, "phase" | "message"> {
  const failed = ends.find((end) => end.exitCode !== 0);
  if (failed) return { phase: failed.name === "main" ? "Failed" : "Error", message: describe(failed) };
  const ended = (name: string): boolean => ends.some((end) => end.name === name);
  if (ended("main") && ended("wait")) return { phase: "Succeeded", message: "" };
  if (ended("main")) return failure("wait container did not complete successfully");
  if (ended("wait")) return failure("main container did not complete successfully");
  return failure("neither main nor wait container completed successfully");
}

/** `<container>: <reason> (exit code <n>)`, then the termination message, if there is one. */
function describe({ name, exitCode, terminationMessage }: ContainerEnd): string {
  const kept = Buffer.from(terminationMessage).subarray(0, MAX_MESSAGE_BYTES).toString("utf8").trim();
  return `${name}: Error (exit code ${exitCode})${kept === "" ? "" : `: ${kept}`}`;
}

function failure(reason: string): Pick<PodOutcome, "phase" | "message"> {
  return { phase: "Failed", message: `pod failed: ${reason}` };
}
