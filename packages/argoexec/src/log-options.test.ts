import { describe, expect, it } from "vitest";
import { parseCommandLine } from "./command-line.ts";
import { parseLogOptions } from "./log-options.ts";

const optionsOf = (...argv: string[]) => parseLogOptions(parseCommandLine(argv).flags);

describe("parseLogOptions", () => {
  it("prints text at level info unless told otherwise", () => {
    expect(optionsOf()).toEqual({ level: "info", format: "text" });
    expect(optionsOf("--loglevel", "WARN", "--log-format", "JSON")).toEqual({
      level: "warn",
      format: "json",
    });
  });

  it("takes the level names of older controllers", () => {
    expect(optionsOf("--loglevel", "trace").level).toBe("debug");
    expect(optionsOf("--loglevel", "panic").level).toBe("error");
  });

  it("ends with exit code 1 for a level or format that does not exist", () => {
    expect(() => optionsOf("--loglevel", "loud")).toThrow(expect.objectContaining({ exitCode: 1 }));
    expect(() => optionsOf("--log-format", "xml")).toThrow(expect.objectContaining({ exitCode: 1 }));
  });

  it("takes an empty verbosity, and refuses one that is no number", () => {
    expect(optionsOf("--gloglevel", "").level).toBe("info");
    expect(() => optionsOf("--gloglevel", "x")).toThrow(/--gloglevel/);
  });
});
