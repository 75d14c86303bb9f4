import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clip, clipMiddle, createPaint, padEnd, padStart, printable, widthOf, wrap } from "./text.ts";

describe("printable", () => {
  it("leaves nothing that could move the cursor, rename the window or reverse the text", () => {
    expect(printable("a\u001b[2Jb\u0007\u009b1mc\u202ed\u2066e")).toBe("a�[2Jb��1mc�d�e");
    expect(printable("two\r\nlines\tand a tab")).toBe("two lines and a tab");
  });

  it("gives one line without control characters for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});

describe("widthOf", () => {
  it.each([
    ["abc", 3],
    ["é", 1],
    ["e\u0301", 1],
    ["漢字", 4],
    ["🚀", 2],
    ["█▏", 2],
  ])("counts %j as %d columns", (text, width) => {
    expect(widthOf(text)).toBe(width);
  });
});

describe("clip and clipMiddle", () => {
  it("leave what fits, and mark what they cut", () => {
    expect(clip("abcdef", 6)).toBe("abcdef");
    expect(clip("abcdefg", 6)).toBe("abcde…");
    expect(clip("漢字漢字", 6)).toBe("漢字…");
    expect(clipMiddle("s3://bucket/very/long/key.tgz", 15)).toBe("s3://bu…key.tgz");
  });

  it("never give more than the width", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 30 }), (text, width) => {
        expect(widthOf(clip(printable(text), width))).toBeLessThanOrEqual(width);
        expect(widthOf(clipMiddle(printable(text), width))).toBeLessThanOrEqual(width);
      }),
    );
  });
});

describe("padEnd and padStart", () => {
  it("fill up to the width in columns", () => {
    expect(padEnd("漢", 4)).toBe("漢  ");
    expect(padStart("漢", 4)).toBe("  漢");
    expect(padEnd("abcde", 3)).toBe("abcde");
  });
});

describe("wrap", () => {
  it("breaks at spaces and clips a word that is longer than a line", () => {
    expect(wrap("no object s3://bucket/a-very-long-key in time", 16)).toEqual([
      "no object",
      "s3://buc…ong-key",
      "in time",
    ]);
  });
});

describe("wrap, at numbers", () => {
  it("keeps the thousands of a number together", () => {
    expect(wrap("moved 41 203 files", 10)).toEqual(["moved", "41 203", "files"]);
    expect(wrap("after 12 1234 x", 8)).toEqual(["after 12", "1234 x"]);
  });
});

describe("createPaint", () => {
  it("wraps text in a style, or leaves it alone without colour", () => {
    expect(createPaint(true)("red", "no")).toBe("\u001b[31mno\u001b[0m");
    expect(createPaint(false)("red", "no")).toBe("no");
    expect(createPaint(true)("red", "")).toBe("");
  });
});
