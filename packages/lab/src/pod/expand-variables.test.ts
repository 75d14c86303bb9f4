import { describe, expect, it } from "vitest";
import { expandVariables } from "./expand-variables.ts";

describe("expandVariables", () => {
  it.each([
    ["$(M)", "msg"],
    ["a$(M)b$(M)", "amsgbmsg"],
    ["$$(M)", "$(M)"],
    ["$(undefined)", "$(undefined)"],
    ["$M $", "$M $"],
    ["$(toString)", "$(toString)"],
  ])("makes of %j what a kubelet does", (text, expanded) => {
    expect(expandVariables(text, { M: "msg" })).toBe(expanded);
  });
});
