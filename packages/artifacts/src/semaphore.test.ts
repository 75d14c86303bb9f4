import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Semaphore } from "./semaphore.ts";

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("Semaphore", () => {
  it("serves those who wait in the order they came, even when a later one would fit", async () => {
    const budget = new Semaphore(10);
    const held = await budget.acquire(8);
    const order: string[] = [];
    const large = budget.acquire(6).then((r) => {
      order.push("large");
      return r;
    });
    const small = budget.acquire(1).then((r) => {
      order.push("small");
      return r;
    });
    await settled();
    expect(order).toEqual([]);
    held.release();
    await Promise.all([large, small]);
    expect(order).toEqual(["large", "small"]);
    expect(budget.free).toBe(3);
  });

  it("lets a wish larger than everything have everything", async () => {
    const budget = new Semaphore(10);
    const all = await budget.acquire(1000);
    expect(budget.free).toBe(0);
    all.release();
    all.release();
    expect(budget.free).toBe(10);
  });

  it("gives back a part early", async () => {
    const budget = new Semaphore(10);
    const held = await budget.acquire(10);
    const waiting = budget.acquire(4);
    held.shrinkTo(6);
    await waiting;
    expect(budget.free).toBe(0);
    held.shrinkTo(9);
    expect(budget.free).toBe(0);
  });

  it("stops waiting when the signal says so, and serves the next", async () => {
    const budget = new Semaphore(4);
    const held = await budget.acquire(4);
    const controller = new AbortController();
    const given = budget.acquire(3, controller.signal);
    const next = budget.acquire(1);
    controller.abort(new Error("deadline"));
    await expect(given).rejects.toThrow("deadline");
    held.shrinkTo(3);
    await next;
  });

  it("refuses a capacity that could never be served", () => {
    expect(() => new Semaphore(0)).toThrow("positive capacity, got 0");
  });

  it("never hands out more than there is, and all comes back", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 30 }), async (wishes) => {
        const budget = new Semaphore(12);
        let out = 0;
        await Promise.all(
          wishes.map(async (wish) => {
            const held = await budget.acquire(wish);
            out += Math.min(wish, 12);
            expect(out).toBeLessThanOrEqual(12);
            await settled();
            out -= Math.min(wish, 12);
            held.release();
          }),
        );
        expect(budget.free).toBe(12);
      }),
      { numRuns: 25 },
    );
  });
});
