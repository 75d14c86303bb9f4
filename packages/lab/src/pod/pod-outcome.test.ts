import { describe, expect, it } from "vitest";
import { assessContainer, assessPod, type ContainerEnd } from "./pod-outcome.ts";

const ROLES: Record<string, ContainerEnd["role"]> = {
  init: "init",
  prepare: "init",
  wait: "auxiliary",
  supervisor: "auxiliary",
  proxy: "sidecar",
};

function end(name: string, exitCode: number, terminationMessage = ""): ContainerEnd {
  return { name, role: ROLES[name] ?? "main", exitCode, terminationMessage };
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

  it("ignores a sidecar that was stopped, and no other failure of one", () => {
    const rest = [end("wait", 0), end("main", 0)];
    expect(assessPod([...rest, end("proxy", 143)]).phase).toBe("Succeeded");
    expect(assessPod([...rest, end("proxy", 137)]).phase).toBe("Succeeded");
    expect(assessPod([...rest, end("proxy", 1)])).toEqual({
      phase: "Failed",
      message: "proxy: Error (exit code 1)",
    });
    expect(assessPod([end("wait", 0), end("main", 137)]).phase).toBe("Failed");
  });

  it("puts main before wait, and wait before the other containers of a set", () => {
    expect(assessPod([end("wait", 0), end("a", 3), end("main", 64)]).message).toBe(
      "main: Error (exit code 64)",
    );
    expect(assessPod([end("wait", 64), end("a", 3)])).toMatchObject({ phase: "Error" });
    expect(assessPod([end("wait", 0), end("a", 3), end("b", 4)])).toEqual({
      phase: "Failed",
      message: "a: Error (exit code 3)",
    });
  });

  it("calls the failure of a user's init container the user's", () => {
    expect(assessPod([end("init", 0), end("prepare", 2)])).toEqual({
      phase: "Failed",
      message: "prepare: Error (exit code 2)",
    });
  });

  it("lets the supervisor speak first when main could not begin", () => {
    const supervisor = end("supervisor", 64, "artifact a failed to load");
    expect(assessPod([supervisor, end("main", 65)]).message).toMatch(/^supervisor: .*: artifact a failed/);
    expect(assessPod([supervisor, end("main", 1)]).message).toBe("main: Error (exit code 1)");
  });

  it("says that the deadline has passed, which main cannot know", () => {
    expect(assessPod([end("wait", 0, "Step exceeded its deadline"), end("main", 143)]).message).toBe(
      "main: Error (exit code 143): Step exceeded its deadline",
    );
  });
});

describe("assessContainer", () => {
  it("tells the executor's failure from the user's by its code", () => {
    expect([0, 64, 3].map((code) => assessContainer(end("a", code)).phase)).toEqual([
      "Succeeded",
      "Error",
      "Failed",
    ]);
    expect(assessContainer(end("a", 64, 'dependency "b" exited')).message).toBe(
      'a: Error (exit code 64): dependency "b" exited',
    );
  });
});
