import { describe, expect, it } from "vitest";
import { PartMemory } from "./part-memory.ts";
import { Semaphore } from "./semaphore.ts";

const MIB = 1024 * 1024;
const { signal } = new AbortController();

describe("PartMemory", () => {
  it("lends a buffer again once nobody can be reading it", async () => {
    const memory = new PartMemory(new Semaphore(20 * MIB));
    const first = await memory.take(8 * MIB, signal);
    const second = await memory.take(8 * MIB, signal);
    expect(second.bytes.buffer).not.toBe(first.bytes.buffer);
    first.release(true);
    second.release(false);
    expect((await memory.take(8 * MIB, signal)).bytes.buffer).toBe(first.bytes.buffer);
    expect((await memory.take(8 * MIB, signal)).bytes.buffer).not.toBe(second.bytes.buffer);
  });

  it("keeps to the budget it lends from", async () => {
    const budget = new Semaphore(20 * MIB);
    const memory = new PartMemory(budget);
    const held = [await memory.take(8 * MIB, signal), await memory.take(12 * MIB, signal)];
    expect(budget.free).toBe(0);
    for (const buffer of held) {
      buffer.release(true);
      buffer.release(true); // twice does no harm
    }
    expect(budget.free).toBe(20 * MIB);
    const other = await memory.take(16 * MIB, signal); // the spare ones have to go
    expect(other.bytes.byteLength).toBe(16 * MIB);
    other.release(true);
    expect((await memory.take(16 * MIB, signal)).bytes.buffer).toBe(other.bytes.buffer);
  });
});
