import { EXIT_ERROR, EXIT_PRE_MAIN_FAILED, INIT_CONTAINER, MAIN_CONTAINER } from "@skein/contract";
import type { ContainerState, PodOutcome } from "../engine/engine-context.ts";
import type { PlannedRole } from "./pod-spec.ts";

/** How a container ended. */
export interface ContainerEnd {
  name: string;
  role: PlannedRole;
  exitCode: number;
  /** The content of its `/dev/termination-log`. */
  terminationMessage: string;
}

type Assessment = Pick<PodOutcome, "phase" | "message">;

/** A kubelet keeps this much of a termination message. */
const MAX_MESSAGE_BYTES = 4096;

/** What `wait` and `supervisor` write when the deadline has passed (contract §8.4). */
const DEADLINE_MESSAGE = "Step exceeded its deadline";

/** Of a sidecar that was told to end: by SIGKILL, by SIGTERM. */
const STOPPED_CODES = [137, 143];

/**
 * What the controller makes of a pod's containers (contract §1.8). The first that failed decides, in the order init containers,
 * `main`, wait, all others: a failure of the executor's own makes the node an `Error`, one of the user's makes it `Failed`.
 *
 * @param ends in the order of the pod's specification; a container that never started is not among them
 */
export function assessPod(ends: readonly ContainerEnd[]): Assessment {
  const afterSupervisor = ends.some((end) => end.role === "main" && end.exitCode === EXIT_PRE_MAIN_FAILED);
  const failed = ends
    .toSorted((a, b) => rank(a, afterSupervisor) - rank(b, afterSupervisor))
    .find((end) => end.exitCode !== 0 && !isStoppedSidecar(end));
  if (failed) return { phase: isExecutor(failed) ? "Error" : "Failed", message: reasonOf(failed, ends) };
  const main = ends.some(({ role }) => role === "main");
  const auxiliary = ends.some(({ role }) => role === "auxiliary");
  if (main && auxiliary) return { phase: "Succeeded", message: "" };
  if (main) return failure("wait container did not complete successfully");
  if (auxiliary) return failure("main container did not complete successfully");
  return failure("neither main nor wait container completed successfully");
}

/** What the controller makes of one container of a containerSet: the executor's own code is an `Error`. */
export function assessContainer(end: ContainerEnd): ContainerState {
  if (end.exitCode === 0) return { phase: "Succeeded", message: "" };
  return { phase: end.exitCode === EXIT_ERROR ? "Error" : "Failed", message: describe(end) };
}

/** The supervisor's own words come before those of a main container that could only say that there was a failure. */
function rank({ name, role }: ContainerEnd, afterSupervisor: boolean): number {
  if (role === "init") return 0;
  if (role === "auxiliary") return afterSupervisor ? 1 : 3;
  return name === MAIN_CONTAINER ? 2 : 4;
}

function isExecutor({ name, role }: ContainerEnd): boolean {
  return role === "auxiliary" || (role === "init" && name === INIT_CONTAINER);
}

function isStoppedSidecar({ role, exitCode }: ContainerEnd): boolean {
  return role === "sidecar" && STOPPED_CODES.includes(exitCode);
}

/** A container that was stopped at the deadline does not know why; the auxiliary one does. */
function reasonOf(failed: ContainerEnd, ends: readonly ContainerEnd[]): string {
  const inTime = !ends.some(
    ({ role, terminationMessage }) => role === "auxiliary" && keptOf(terminationMessage) === DEADLINE_MESSAGE,
  );
  if (failed.role !== "main" || inTime) return describe(failed);
  return `${describe(failed)}: ${DEADLINE_MESSAGE}`;
}

/** `<container>: <reason> (exit code <n>)`, then the termination message, if there is one. */
function describe({ name, exitCode, terminationMessage }: ContainerEnd): string {
  const kept = keptOf(terminationMessage);
  return `${name}: Error (exit code ${exitCode})${kept === "" ? "" : `: ${kept}`}`;
}

function keptOf(terminationMessage: string): string {
  return Buffer.from(terminationMessage).subarray(0, MAX_MESSAGE_BYTES).toString("utf8").trim();
}

function failure(reason: string): Assessment {
  return { phase: "Failed", message: `pod failed: ${reason}` };
}
