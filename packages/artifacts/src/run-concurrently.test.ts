import { describe, expect, it } from "vitest";
import { runConcurrently } from "./run-concurrently.ts";

const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const { signal } = new AbortController();

describe("runConcurrently", () => {
  it("keeps as many going as allowed and no more", async () => {
    let running = 0;
    let most = 0;
    await runConcurrently(Array.from({ length: 20 }), { limit: 3, signal }, async () => {
      running++;
      most = Math.max(most, running);
      await tick();
      running--;
    });
    expect(most).toBe(3);
  });

  it("throws the first failure, after the others have ended, and takes no further item", async () => {
    const ended: number[] = [];
    const run = runConcurrently([1, 2, 3, 4, 5, 6], { limit: 2, signal }, async (item, own) => {
      if (item === 2) throw new Error("second is broken");
      while (item === 1 && !own.aborted) await tick();
      ended.push(item);
    });
    await expect(run).rejects.toThrow("second is broken");
    expect(ended).toEqual([1]);
  });

  it("throws what the source throws", async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1;
      throw new Error("listing broke");
    }
    await expect(runConcurrently(broken(), { limit: 4, signal }, () => tick())).rejects.toThrow(
      "listing broke",
    );
  });

  it("stops when the caller's signal says so", async () => {
    const controller = new AbortController();
    const seen: number[] = [];
    const run = runConcurrently([1, 2, 3], { limit: 1, signal: controller.signal }, async (item) => {
      seen.push(item);
      controller.abort(new Error("deadline"));
    });
    await expect(run).rejects.toThrow("deadline");
    expect(seen).toEqual([1]);
  });
});
