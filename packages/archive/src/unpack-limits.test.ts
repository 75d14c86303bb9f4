import { describe, expect, it } from "vitest";
import { checkRatio, DEFAULT_UNPACK_LIMITS, parseUnpackLimits, RATIO_FREE_BYTES } from "./unpack-limits.ts";

describe("parseUnpackLimits", () => {
  it("gives the defaults when nothing is set, or set to nothing", () => {
    expect(parseUnpackLimits({ SKEIN_UNPACK_MAX_BYTES: "" })).toEqual(DEFAULT_UNPACK_LIMITS);
  });

  it("reads each limit by its variable, and `none` as no limit", () => {
    const env = {
      SKEIN_UNPACK_MAX_ENTRIES: "1",
      SKEIN_UNPACK_MAX_BYTES: "2",
      SKEIN_UNPACK_MAX_PATH_BYTES: "3",
      SKEIN_UNPACK_MAX_DEPTH: "4",
      SKEIN_UNPACK_MAX_LINK_BYTES: "5",
      SKEIN_UNPACK_MAX_RATIO: "none",
      SKEIN_UNPACK_MIN_FREE_BYTES: "7",
    };
    expect(Object.values(parseUnpackLimits(env))).toEqual([1, 2, 3, 4, 5, Number.POSITIVE_INFINITY, 7]);
    expect(parseUnpackLimits({ SKEIN_UNPACK_MIN_FREE_BYTES: "none" }).minFreeBytes).toBe(0);
  });

  it.each(["0", "-1", "1.5", "1e9", "5M", " 5", "all"])("quotes a value that is no limit: %j", (value) => {
    expect(() => parseUnpackLimits({ SKEIN_UNPACK_MAX_DEPTH: value })).toThrow(
      `SKEIN_UNPACK_MAX_DEPTH must be a whole number above 0, or none; got ${JSON.stringify(value)}`,
    );
  });
});

describe("checkRatio", () => {
  const limits = { ...DEFAULT_UNPACK_LIMITS, maxRatio: 10 };

  it("does not mind any ratio below the free gigabyte", () => {
    expect(() => checkRatio(limits, 1, RATIO_FREE_BYTES)).not.toThrow();
  });

  it("minds it above, from the byte on that is too much", () => {
    const packedBytes = RATIO_FREE_BYTES / 8;
    expect(() => checkRatio(limits, packedBytes, packedBytes * 10)).not.toThrow();
    expect(() => checkRatio(limits, packedBytes, packedBytes * 10 + 1)).toThrow("limit maxRatio of 10");
  });
});
