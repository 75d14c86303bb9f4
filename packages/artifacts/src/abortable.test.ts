import { getEventListeners } from "node:events";
import { describe, expect, it } from "vitest";
import { abortableWithin } from "./abortable.ts";

describe("abortableWithin", () => {
  it("follows its parent, also one that has ended before", () => {
    const parent = new AbortController();
    using before = abortableWithin(parent.signal);
    const reason = new Error("deadline");
    parent.abort(reason);
    using after = abortableWithin(parent.signal);
    expect([before.signal.reason, after.signal.reason]).toEqual([reason, reason]);
  });

  it("does not end its parent", () => {
    const parent = new AbortController();
    using child = abortableWithin(parent.signal);
    child.abort(new Error("stalled"));
    expect(parent.signal.aborted).toBe(false);
  });

  it("leaves nothing on its parent", () => {
    const parent = new AbortController();
    {
      using _child = abortableWithin(parent.signal);
      expect(getEventListeners(parent.signal, "abort")).toHaveLength(1);
    }
    expect(getEventListeners(parent.signal, "abort")).toEqual([]);
  });
});
