import { describe, expect, it } from "vitest";
import { StageClock } from "../stage-clock.ts";
import { GitProgress } from "./git-progress.ts";

describe("GitProgress", () => {
  it("gives the time to what git says it is doing", async () => {
    let now = 0;
    const clock = new StageClock(() => now);
    const progress = new GitProgress(clock);
    await progress.during("first_byte", async () => {
      for (const [ms, line] of [
        [100, "remote: Counting objects:  10% (1/10)"],
        [200, "Receiving objects:   5% (1/20)"],
        [400, "Receiving objects: 100% (20/20), 1.2 MiB | 3.4 MiB/s, done."],
        [600, "Resolving deltas:  50% (1/2)"],
        [700, "Resolving deltas: 100% (2/2), done."],
        [750, "Updating files:  10% (1/10)"],
        [800, "Filtering content:  50% (1/2), 1.2 MiB | 3.4 MiB/s"],
        [900, "Filtering content: 100% (2/2), 2.4 MiB | 3.4 MiB/s, done."],
      ] as const) {
        now = ms;
        progress.line(line);
      }
      now = 1000;
    });
    now = 1100;
    expect(clock.read()).toMatchObject({
      first_byte: 0.2,
      network: 0.3,
      decompress: 0.3,
      disk: 0.2,
      other: 0.1,
    });
  });

  it("waits for the server until it has said all, and not while git works alone", async () => {
    const progress = new GitProgress(new StageClock());
    expect(progress.isWaitingForServer).toBe(false);
    await progress.during("first_byte", async () => {
      const waits = [
        "remote: Enumerating objects: 3, done.",
        "Receiving objects:  50% (1/2)",
        "remote: Total 2 (delta 0), reused 0 (delta 0), pack-reused 0",
        "Receiving objects:  60% (1/2)",
        "Receiving objects: 100% (2/2), done.",
        "Resolving deltas:  50% (1/2)",
        "Updating files:  10% (1/10)",
        "Filtering content:  50% (1/2)",
      ].map((line) => {
        progress.line(line);
        return progress.isWaitingForServer;
      });
      expect(waits).toEqual([true, true, false, true, false, false, false, true]);
    });
    expect(progress.isWaitingForServer).toBe(false);
  });
});
