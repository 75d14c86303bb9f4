import { describe, expect, it } from "vitest";
import { addTotals, summaryLine } from "./totals.ts";

describe("summaryLine", () => {
  it("mentions skipped tests only when there are some", () => {
    expect(summaryLine({ passed: 12, failed: 0, skipped: [] })).toBe("tests: 12 passed, 0 failed");
    const skipped = [{ name: "a", reason: "no ssh" }];
    expect(summaryLine({ passed: 1, failed: 2, skipped })).toBe("tests: 1 passed, 2 failed, 1 skipped");
  });
});

describe("addTotals", () => {
  it("adds counts and keeps every skip", () => {
    const skip = { name: "a", reason: "no ssh" };
    const all = [
      { passed: 1, failed: 2, skipped: [skip] },
      { passed: 3, failed: 4, skipped: [] },
    ];
    expect(addTotals(all)).toEqual({ passed: 4, failed: 6, skipped: [skip] });
  });
});
