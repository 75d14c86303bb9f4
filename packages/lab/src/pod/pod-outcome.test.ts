import { describe, expect, it } from "vitest";
import { assessPod } from "./pod-outcome.ts";

function end(name: string, exitCode: number, terminationMessage = "") {
  return { name, exitCode, terminationMessage };
}

describe("assessPod", () => {
  it("succeeds when main and wait both ended with 0", () => {
    expect(assessPod([end("init", 0), end("main", 0), end("wait", 0)])).toEqual({
      phase: "Succeeded",
      message: "",
    });
  });

  it("calls a failure of the executor's own an error, with its message", () => {
    expect(assessPod([end("init", 64, "artifact a failed to load: no such key\n")])).toEqual({
      phase: "Error",
      message: "init: Error (exit code 64): artifact a failed to load: no such key",
    });
    expect(assessPod([end("init", 0), end("main", 0), end("wait", 64, "forbidden")])).toEqual({
      phase: "Error",
      message: "wait: Error (exit code 64): forbidden",
    });
  });

  it("tells the user of main's failure first, whatever became of wait", () => {
    expect(assessPod([end("init", 0), end("main", 3), end("wait", 64, "no such file")])).toEqual({
      phase: "Failed",
      message: "main: Error (exit code 3)",
    });
  });

  it("fails a pod whose containers never came to an end", () => {
    expect(assessPod([end("init", 0)]).message).toBe(
      "pod failed: neither main nor wait container completed successfully",
    );
  });

  it("keeps as much of a message as a kubelet does", () => {
    const { message } = assessPod([end("main", 1, "x".repeat(10_000))]);
    expect(message).toHaveLength("main: Error (exit code 1): ".length + 4096);
  });
});
