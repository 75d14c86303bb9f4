import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { createTestPod } from "./test-support.ts";
import { runWaitBegin } from "./wait-begin.ts";
import { runWaitFinish } from "./wait-finish.ts";

const forbidden = new ArtifactError("workflowtaskresults.argoproj.io is forbidden", {
  code: "kubernetes.forbidden",
});

describe("runWaitBegin", () => {
  it("creates the task result", async () => {
    const pod = await createTestPod({ container: {} });
    await runWaitBegin(pod.parts);
    expect(pod.reported).toMatchObject({ steps: ["initialize"], created: false });
  });

  it("keeps the error for finish, which reports all the same and ends with it", async () => {
    const pod = await createTestPod({ container: {} });
    pod.faults.initialize = forbidden;
    await expect(runWaitBegin(pod.parts)).rejects.toBe(forbidden);
    expect(await pod.parts.journal.read()).toEqual([
      expect.objectContaining({ event: "error", message: forbidden.message, code: "kubernetes.forbidden" }),
    ]);
    const { error, message } = await runWaitFinish(pod.parts);
    expect(error?.message).toBe(forbidden.message);
    expect(message).toBe(forbidden.message);
    expect(pod.reported).toMatchObject({ steps: ["initialize", "report", "finalize"], created: false });
  });

  it("records nothing when it was told to stop", async () => {
    const stop = new AbortController();
    const pod = await createTestPod({ container: {} }, { signal: stop.signal });
    pod.faults.initialize = forbidden;
    stop.abort();
    await runWaitBegin(pod.parts);
    expect(await pod.parts.journal.read()).toEqual([]);
  });
});
