import type { PodStatus } from "../node/kubelet.ts";

/** What a user sees of the step. */
export interface Verdict {
  phase: "Succeeded" | "Failed" | "Error";
  message: string;
}

/** How a controller judges an ended pod (contract §1.8). */
export function judge(
  status: PodStatus,
  pod: { initContainers: readonly string[]; containers: readonly string[]; mains: readonly string[] },
): Verdict {
  const { containers } = status;
  const auxiliary = pod.containers.find((name) => name === "wait" || name === "supervisor");
  if (status.phase === "Failed") {
    if (status.message) return { phase: "Failed", message: status.message };
    const supervisorFirst =
      auxiliary === "supervisor" && pod.mains.some((name) => containers[name]?.exitCode === 65);
    const rank = (name: string): number => {
      if (pod.mains.includes(name)) return 1;
      return name === auxiliary ? (supervisorFirst ? 0 : 2) : 3;
    };
    const ordered = [...pod.containers].sort((one, other) => rank(one) - rank(other));
    for (const name of [...pod.initContainers, ...ordered]) {
      const end = containers[name];
      if (end === undefined || end.exitCode === 0) continue;
      const message = `${name}: ${end.reason} (exit code ${end.exitCode})${end.message ? `: ${end.message}` : ""}`;
      if (name === "init" || name === auxiliary) return { phase: "Error", message };
      if (pod.mains.includes(name) || ![137, 143].includes(end.exitCode)) return { phase: "Failed", message };
    }
  }
  const ofMains = pod.mains.every((name) => containers[name]?.exitCode === 0);
  const ofAuxiliary = auxiliary === undefined || containers[auxiliary]?.exitCode === 0;
  if (ofMains && ofAuxiliary) return { phase: "Succeeded", message: "" };
  const missing = ofMains
    ? "wait container did not complete successfully"
    : ofAuxiliary
      ? "main container did not complete successfully"
      : "neither main nor wait container completed successfully";
  return { phase: "Failed", message: `pod failed: ${missing}` };
}
