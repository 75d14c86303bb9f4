import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type BusyStage, STAGE_NAMES, StageClock, totalSeconds } from "./stage-clock.ts";

function clockAt(): { clock: StageClock; advance: (ms: number) => void } {
  let nowMs = 1000;
  return {
    clock: new StageClock(() => nowMs),
    advance: (ms) => {
      nowMs += ms;
    },
  };
}

describe("StageClock", () => {
  it("gives the time to the busy stage nearest the disk", () => {
    const { clock, advance } = clockAt();
    clock.enter("first_byte");
    advance(100);
    clock.leave("first_byte");
    clock.enter("network");
    advance(20);
    clock.enter("decompress");
    advance(30);
    clock.enter("disk");
    advance(5);
    clock.leave("disk");
    advance(7);
    clock.leave("decompress");
    advance(2);
    clock.leave("network");
    expect(clock.read()).toMatchObject({ first_byte: 0.1, network: 0.022, decompress: 0.037, disk: 0.005 });
  });

  it("gives time in which nobody was busy to other", () => {
    const { clock, advance } = clockAt();
    advance(40);
    clock.enter("disk");
    advance(10);
    clock.leave("disk");
    advance(50);
    expect(clock.read()).toMatchObject({ other: 0.09, disk: 0.01 });
  });

  it("keeps a stage busy until the last of those who entered it has left", () => {
    const { clock, advance } = clockAt();
    clock.enter("network");
    clock.enter("network");
    clock.leave("network");
    advance(10);
    clock.leave("network");
    advance(10);
    expect(clock.read()).toMatchObject({ network: 0.01, other: 0.01 });
  });

  it("leaves the stage when the work fails", async () => {
    const { clock, advance } = clockAt();
    await expect(clock.during("list", () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    advance(10);
    expect(clock.read()).toMatchObject({ list: 0, other: 0.01 });
  });

  it("sums to the wall time whatever happens in whatever order", () => {
    const stages: BusyStage[] = [...STAGE_NAMES.filter((stage) => stage !== "other"), "disk_behind"];
    const step = fc.record({
      stage: fc.constantFrom(...stages),
      enters: fc.boolean(),
      ms: fc.integer({ min: 0, max: 10_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const { clock, advance } = clockAt();
        let wallMs = 0;
        for (const { stage, enters, ms } of steps) {
          if (enters) clock.enter(stage);
          else clock.leave(stage);
          advance(ms);
          wallMs += ms;
        }
        const times = clock.read();
        expect(totalSeconds(times)).toBeCloseTo(wallMs / 1000, 6);
        for (const stage of STAGE_NAMES) expect(times[stage]).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});
