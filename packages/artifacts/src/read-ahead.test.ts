import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { ReadAhead } from "./read-ahead.ts";
import { StageClock } from "./stage-clock.ts";

const CHUNK_BYTES = 256 * 1024;

/** A clock that tests set, and a source whose chunks they let go one by one. */
function setUp() {
  let nowMs = 0;
  const clock = new StageClock(() => nowMs);
  const asked: (() => void)[] = [];
  let madeChunks = 0;
  let isEnded = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        await new Promise<void>((resolve) => asked.push(resolve));
        yield new Uint8Array(CHUNK_BYTES).fill(++madeChunks);
      }
    } finally {
      isEnded = true;
    }
  }
  return {
    clock,
    ahead: new ReadAhead(source(), clock),
    advance: (ms: number) => {
      nowMs += ms;
    },
    /** Lets the source make one chunk, and everybody take note of it. */
    make: async () => {
      asked.shift()?.();
      await turn();
    },
    isAsking: () => asked.length > 0,
    isEnded: () => isEnded,
  };
}

describe("ReadAhead", () => {
  it("counts a write that is waited for as the disk's only once it holds up the source", async () => {
    const { ahead, clock, advance, make } = setUp();
    const chunks = ahead[Symbol.asyncIterator]();
    const first = chunks.next();
    await turn();
    await make();
    await first;
    clock.enter("decompress"); // goes on all the time
    ahead.consumer.enter("disk");
    await turn();
    advance(100); // written behind
    for (let made = 0; made < 4; made++) await make();
    advance(10); // the queue is full
    ahead.consumer.leave("disk");
    advance(1);
    expect(clock.read()).toMatchObject({ decompress: 0.101, disk: 0.01 });
    await chunks.return?.();
  });

  it("counts work that lets nobody else work as the disk's", () => {
    const { ahead, clock, advance } = setUp();
    clock.enter("decompress");
    ahead.consumer.enter("disk");
    advance(30);
    ahead.consumer.leave("disk");
    expect(clock.read()).toMatchObject({ decompress: 0, disk: 0.03 });
  });

  it("counts a write as the disk's when nobody else is busy", async () => {
    const { ahead, clock, advance } = setUp();
    ahead.consumer.enter("disk");
    await turn();
    advance(30);
    ahead.consumer.leave("disk");
    advance(5);
    expect(clock.read()).toMatchObject({ disk: 0.03, other: 0.005 });
  });

  it("reads no further than it may hold", async () => {
    const { ahead, make, isAsking } = setUp();
    const chunks = ahead[Symbol.asyncIterator]();
    const first = chunks.next();
    await turn();
    for (let made = 0; made < 5; made++) await make();
    expect((await first).value?.[0]).toBe(1);
    expect(isAsking()).toBe(false);
    const rest = [await chunks.next(), await chunks.next()];
    expect(rest.map(({ value }) => value?.[0])).toEqual([2, 3]);
    await turn();
    expect(isAsking()).toBe(true);
    await chunks.return?.();
  });

  it("throws what the source throws, after what came before it", async () => {
    const clock = new StageClock();
    async function* source(): AsyncGenerator<Uint8Array> {
      yield new Uint8Array([1]);
      throw new Error("cut off");
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const chunk of new ReadAhead(source(), clock)) seen.push(chunk[0] ?? 0);
    })();
    await expect(reading).rejects.toThrow("cut off");
    expect(seen).toEqual([1]);
  });

  it("ends the source when the consumer has had enough", async () => {
    const { ahead, make, isEnded } = setUp();
    const chunks = ahead[Symbol.asyncIterator]();
    const first = chunks.next();
    await turn();
    await make();
    await first;
    await chunks.return?.();
    await make(); // the chunk that was on its way
    expect(isEnded()).toBe(true);
  });
});
