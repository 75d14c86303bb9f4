import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { blockBar, lineBar, shareCells } from "./bars.ts";

describe("blockBar", () => {
  it("ends exact to an eighth of a cell", () => {
    expect(blockBar({ from: 0, to: 0.25 }, 10)).toEqual({ start: 0, text: "██▌" });
    expect(blockBar({ from: 0.5, to: 1 }, 10)).toEqual({ start: 5, text: "█████" });
  });

  it("shows the shortest span, even at the very end", () => {
    expect(blockBar({ from: 0.3, to: 0.3 }, 10)).toEqual({ start: 3, text: "▏" });
    expect(blockBar({ from: 1, to: 1 }, 10).start).toBe(9);
  });

  it("never leaves its cells", () => {
    const share = fc.double({ min: -0.5, max: 1.5, noNaN: true });
    fc.assert(
      fc.property(share, share, fc.integer({ min: 1, max: 200 }), (a, b, width) => {
        const stretch = { from: Math.min(a, b), to: Math.max(a, b) };
        for (const bar of [blockBar(stretch, width), lineBar(stretch, width, "━")]) {
          expect(bar.start).toBeGreaterThanOrEqual(0);
          expect(bar.start + bar.text.length).toBeLessThanOrEqual(width);
          expect(bar.text.length).toBeGreaterThan(0);
        }
      }),
    );
  });
});

describe("shareCells", () => {
  it("divides cells in proportion and uses each exactly once", () => {
    expect(shareCells([3, 1], 8)).toEqual([6, 2]);
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 1000, noNaN: true }), { minLength: 1 }),
        fc.nat(100),
        (parts, width) => {
          const cells = shareCells(parts, width);
          expect(cells.reduce((sum, count) => sum + count, 0)).toBe(width);
          expect(cells.every((count) => count >= 0)).toBe(true);
        },
      ),
    );
  });

  it("gives nothing to parts that are nothing", () => {
    expect(shareCells([0, 0], 8)).toEqual([0, 0]);
  });
});
