import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { StageClock } from "../stage-clock.ts";
import { RangeWriter, SharedDisk } from "./range-writer.ts";

const QUARTER = 128 * 1024;

/** A writer to a disk that takes a batch when it is told to. */
function setUp({ gathers = true, connections = 1 } = {}) {
  let nowMs = 0;
  const clock = new StageClock(() => nowMs);
  const writes: { bytes: number; position: number; done: () => void; fail: (error: Error) => void }[] = [];
  const disk = new SharedDisk(clock, () => connections);
  const write = (chunks: readonly Uint8Array[], position: number): Promise<void> => {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0);
    writes.push({ bytes, position, done: resolve, fail: reject });
    return promise;
  };
  return {
    clock,
    writes,
    writer: new RangeWriter(1000, write, { disk, gathers }),
    advance: (ms: number) => {
      nowMs += ms;
    },
  };
}

/** Pushes as many quarters of a batch as there are; gives what the last one has to wait for. */
async function pushQuarters(writer: RangeWriter, count: number): Promise<Promise<void> | void> {
  for (let pushed = 1; pushed < count; pushed++) await writer.push(new Uint8Array(QUARTER));
  return writer.push(new Uint8Array(QUARTER));
}

describe("RangeWriter", () => {
  it("gathers what belongs together, and gathers on while it is written", async () => {
    const { writer, writes } = setUp();
    await pushQuarters(writer, 7);
    expect(writes).toMatchObject([{ bytes: 4 * QUARTER, position: 1000 }]);
    const finished = writer.finish();
    await turn();
    expect(writes).toHaveLength(1); // one after the other
    writes[0]?.done();
    await turn();
    expect(writes[1]).toMatchObject({ bytes: 3 * QUARTER, position: 1000 + 4 * QUARTER });
    writes[1]?.done();
    await finished;
  });

  it("writes what comes as it comes when it may not gather", async () => {
    const { writer, writes } = setUp({ gathers: false });
    await writer.push(new Uint8Array(10));
    expect(writes).toMatchObject([{ bytes: 10, position: 1000 }]);
  });

  it("throws what the disk refused, at the next wait", async () => {
    const { writer, writes } = setUp();
    await pushQuarters(writer, 4);
    writes[0]?.fail(new Error("full"));
    await expect(writer.finish()).rejects.toThrow("full");
    await writer.settle();
  });

  it.each([
    [1, { disk: 0.05, network: 0 }],
    [2, { disk: 0, network: 0.05 }],
  ])("is the disk's time only when most of %i connections wait", async (connections, times) => {
    const { writer, writes, clock, advance } = setUp({ connections });
    clock.enter("network");
    await pushQuarters(writer, 4);
    void pushQuarters(writer, 4); // the second batch waits for the first
    await turn();
    advance(50);
    expect(clock.read()).toMatchObject(times);
    writes[0]?.done();
  });
});
