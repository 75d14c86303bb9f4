import { describe, expect, it } from "vitest";
import type { Terminated } from "../node/container-life.ts";
import { judge } from "./verdict.ts";

function ended(exitCode: number, message = ""): Terminated {
  const at = "2026-01-01T00:00:00Z";
  return { exitCode, message, reason: exitCode === 0 ? "Completed" : "Error", startedAt: at, finishedAt: at };
}

const POD = { initContainers: ["init"], containers: ["wait", "main", "helper"], mains: ["main"] };
const INITLESS = { initContainers: [], containers: ["supervisor", "main"], mains: ["main"] };

function failed(containers: Record<string, Terminated>) {
  return { phase: "Failed" as const, containers };
}

describe("judge (contract §1.8)", () => {
  it("says Succeeded when main and wait have ended well", () => {
    const containers = { init: ended(0), wait: ended(0), main: ended(0), helper: ended(0) };
    expect(judge({ phase: "Succeeded", containers }, POD)).toEqual({ phase: "Succeeded", message: "" });
  });

  it("takes main's failure before that of wait, and an init container's before both", () => {
    const both = { init: ended(0), wait: ended(64, "no outputs"), main: ended(3) };
    expect(judge(failed(both), POD)).toEqual({ phase: "Failed", message: "main: Error (exit code 3)" });
    expect(judge(failed({ ...both, main: ended(0) }), POD)).toEqual({
      phase: "Error",
      message: "wait: Error (exit code 64): no outputs",
    });
    expect(judge(failed({ init: ended(64, "no input") }), POD)).toEqual({
      phase: "Error",
      message: "init: Error (exit code 64): no input",
    });
  });

  it("takes the supervisor's failure before main's when main ended with 65", () => {
    const containers = { supervisor: ended(64, "no input"), main: ended(65, "told so") };
    expect(judge(failed(containers), INITLESS).message).toBe("supervisor: Error (exit code 64): no input");
    expect(judge(failed({ ...containers, main: ended(1) }), INITLESS).message).toBe(
      "main: Error (exit code 1)",
    );
  });

  it.each([137, 143])("does not mind a sidecar that was ended with %i", (exitCode) => {
    const containers = { init: ended(0), wait: ended(0), main: ended(0), helper: ended(exitCode) };
    expect(judge(failed(containers), POD).phase).toBe("Succeeded");
    expect(judge(failed({ ...containers, helper: ended(1) }), POD).message).toBe(
      "helper: Error (exit code 1)",
    );
  });

  it("repeats what the kubelet says about the whole pod", () => {
    const status = { ...failed({ main: ended(143) }), message: "deadline" };
    expect(judge(status, POD)).toEqual({ phase: "Failed", message: "deadline" });
  });

  it("says which half is missing when nothing failed", () => {
    const wait = judge({ phase: "Succeeded", containers: { init: ended(0), main: ended(0) } }, POD);
    expect(wait.message).toBe("pod failed: wait container did not complete successfully");
    const main = judge({ phase: "Succeeded", containers: { init: ended(0), wait: ended(0) } }, POD);
    expect(main.message).toBe("pod failed: main container did not complete successfully");
  });
});
