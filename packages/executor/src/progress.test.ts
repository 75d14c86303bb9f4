import { describe, expect, it } from "vitest";
import { lastProgress } from "./progress.ts";

describe("lastProgress", () => {
  it.each(["50/100", "0/1", "7/7", "a/5", "+1/2"])("takes %s", (line) => {
    expect(lastProgress(line)).toEqual({ line, valid: true });
  });

  it.each(["3/2", "1/0", "a/b", "1/2/3", "-1/5", "/"])("refuses %s", (line) => {
    expect(lastProgress(line)).toEqual({ line, valid: false });
  });

  it("refuses a line without a slash instead of ending the container [fix 5]", () => {
    expect(lastProgress("50\n")).toEqual({ line: "50", valid: false });
  });

  it("looks at the last line only, without the white space around it", () => {
    expect(lastProgress("1/10\n2/10\n  3/10 \n\n")).toEqual({ line: "3/10", valid: true });
  });

  it("finds nothing in an empty file", () => {
    expect(lastProgress(" \n ")).toBeUndefined();
  });
});
