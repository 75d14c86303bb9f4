import { ArtifactError } from "@skein/contract";
import { describe, expect, it } from "vitest";
import { createRetrier, type RetryHooks, type RetryNote, type RetryPolicy, retry } from "./retry.ts";

const POLICY: RetryPolicy = { baseDelayMs: 100, factor: 2, maxDelayMs: 1000, budgetMs: 10_000 };

/** A clock that only moves when somebody waits, so that no test sleeps. */
function hooksAt(random: number): { hooks: RetryHooks; notes: RetryNote[] } {
  let nowMs = 0;
  const notes: RetryNote[] = [];
  return {
    notes,
    hooks: {
      signal: new AbortController().signal,
      now: () => nowMs,
      random: () => random,
      waiting: async () => {
        nowMs += notes.at(-1)?.delayMs ?? 0;
      },
      onRetry: (note) => notes.push(note),
    },
  };
}

const reset = (): ArtifactError =>
  new ArtifactError("connection reset", { code: "transfer.interrupted", transient: true });

describe("retry", () => {
  it("waits a share of a window that grows up to its limit", async () => {
    const { hooks, notes } = hooksAt(0.5);
    let left = 6;
    const result = await retry(createRetrier(POLICY, hooks), async () => {
      if (left-- > 0) throw reset();
      return "done";
    });
    expect(result).toBe("done");
    expect(notes.map((note) => note.delayMs)).toEqual([50, 100, 200, 400, 500, 500]);
    expect(notes.map((note) => note.attempt)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it("gives up when the time is spent, and says how long it tried", async () => {
    const { hooks, notes } = hooksAt(1);
    const retrier = createRetrier({ ...POLICY, budgetMs: 1600 }, hooks);
    await expect(retry(retrier, () => Promise.reject(reset()))).rejects.toMatchObject({
      message: "connection reset (gave up after 5 attempts in 1.5 s)",
      code: "transfer.interrupted",
      transient: false,
    });
    expect(notes).toHaveLength(4);
  });

  it("starts counting anew when the operation got further", async () => {
    const { hooks, notes } = hooksAt(1);
    const retrier = createRetrier({ ...POLICY, budgetMs: 250 }, hooks);
    for (let round = 0; round < 5; round++) {
      await retrier.failed(reset());
      retrier.progressed();
    }
    expect(notes.map((note) => note.attempt)).toEqual([1, 1, 1, 1, 1]);
  });

  it("does not wait long for a name that does not resolve", async () => {
    const { hooks } = hooksAt(1);
    const retrier = createRetrier({ ...POLICY, maxDelayMs: 4000, budgetMs: 120_000 }, hooks);
    const unknown = new ArtifactError("no such host", { code: "network.dns", transient: true });
    await expect(retry(retrier, () => Promise.reject(unknown))).rejects.toThrow(
      /gave up after 9 attempts in 14.3 s/,
    );
  });

  it("does not repeat what cannot succeed", async () => {
    const { hooks, notes } = hooksAt(1);
    const denied = new ArtifactError("Access Denied", { code: "s3.access_denied" });
    const retrier = createRetrier(POLICY, hooks);
    await expect(retry(retrier, () => Promise.reject(denied))).rejects.toBe(denied);
    expect(notes).toEqual([]);
  });

  it("repeats an error the operator's pattern names", async () => {
    const { hooks, notes } = hooksAt(1);
    let calls = 0;
    await retry(createRetrier({ ...POLICY, alsoTransient: /Rate exceeded/ }, hooks), async () => {
      if (++calls === 1) throw new Error("Rate exceeded");
    });
    expect(notes).toMatchObject([{ attempt: 1, code: "internal" }]);
  });

  it("leaves a store that asks for less alone for a while, whatever the dice say", async () => {
    const { hooks, notes } = hooksAt(0);
    let calls = 0;
    await retry(createRetrier({ ...POLICY, baseDelayMs: 2000 }, hooks), async () => {
      if (++calls === 1) throw new ArtifactError("SlowDown", { code: "s3.slow_down", transient: true });
    });
    expect(notes.map((note) => note.delayMs)).toEqual([500]);
  });

  it("ends a wait at once when the signal says so", async () => {
    const controller = new AbortController();
    const retrier = createRetrier(
      { ...POLICY, baseDelayMs: 60_000, maxDelayMs: 60_000, budgetMs: 1e9 },
      {
        signal: controller.signal,
        random: () => 1,
        onRetry: () => setImmediate(() => controller.abort(new Error("deadline"))),
      },
    );
    const run = retry(retrier, () => Promise.reject(reset()));
    await expect(run).rejects.toThrow("deadline");
  });
});
