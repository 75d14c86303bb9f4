import { join } from "node:path";
import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { createTestPod, put } from "./test-support.ts";
import { runWaitFinish } from "./wait-finish.ts";
import { runWaitTick } from "./wait-tick.ts";

const forbidden = new ArtifactError("workflowtaskresults.argoproj.io is forbidden", {
  code: "kubernetes.forbidden",
});
const PROGRESS = {
  ARGO_PROGRESS_PATCH_TICK_DURATION: "1m0s",
  ARGO_PROGRESS_FILE_TICK_DURATION: "3s",
};

describe("runWaitTick", () => {
  async function podWithProgress(text: string | undefined) {
    const pod = await createTestPod({ container: {} });
    const progressFile = join(pod.paths.shared, "progress");
    if (text !== undefined) await put(progressFile, text);
    Object.assign(pod.parts.config, { progressFile, progressPatchTickMs: 60_000, progressFileTickMs: 3_000 });
    return { pod, progressFile };
  }

  it("sends a value once, and the next one when it comes", async () => {
    const { pod, progressFile } = await podWithProgress("1/10\n");
    await runWaitTick(pod.parts);
    await runWaitTick(pod.parts);
    await put(progressFile, "1/10\n2/10\n");
    await runWaitTick(pod.parts);
    expect(pod.reported.progress).toEqual(["1/10", "2/10"]);
  });

  it("passes over a malformed line with a note [fix 5]", async () => {
    const { pod } = await podWithProgress("50\n");
    await runWaitTick(pod.parts);
    expect(pod.reported.progress).toEqual([]);
    expect(pod.records).toContainEqual(
      expect.objectContaining({ msg: "unable to parse progress", line: "50" }),
    );
  });

  it("does nothing while there is no file", async () => {
    const { pod } = await podWithProgress(undefined);
    await runWaitTick(pod.parts);
    expect(pod.reported.steps).toEqual([]);
  });

  it("does nothing unless both durations are set", async () => {
    const { pod } = await podWithProgress("1/2");
    Object.assign(pod.parts.config, { progressFileTickMs: 0 });
    await runWaitTick(pod.parts);
    expect(pod.reported.steps).toEqual([]);
  });

  it("tries a value again that could not be sent; finish sends the last one", async () => {
    const { pod, progressFile } = await podWithProgress("1/10");
    pod.faults.progress = forbidden;
    await expect(runWaitTick(pod.parts)).rejects.toBe(forbidden);
    delete pod.faults.progress;
    await put(progressFile, "10/10");
    await runWaitFinish(pod.parts);
    expect(pod.reported.progress).toEqual(["10/10"]);
    expect(pod.reported.steps.slice(-3)).toEqual(["progress", "report", "finalize"]);
  });

  it("is no reason for finish to fail", async () => {
    const { pod } = await podWithProgress("1/10");
    pod.faults.progress = forbidden;
    expect(await runWaitFinish(pod.parts)).toEqual({ error: undefined, message: undefined });
  });

  it("needs the variable of the file", async () => {
    const pod = await createTestPod({ container: {} }, { env: PROGRESS });
    await runWaitTick(pod.parts);
    expect(pod.reported.steps).toEqual([]);
  });
});
