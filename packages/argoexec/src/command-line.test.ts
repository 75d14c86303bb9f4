import { describe, expect, it } from "vitest";
import { flagValue, parseCommandLine, UsageError } from "./command-line.ts";

describe("parseCommandLine", () => {
  it("reads what a controller passes", () => {
    const line = parseCommandLine(["init", "--loglevel", "info", "--log-format", "json", "--gloglevel", "0"]);
    expect(line).toEqual({
      words: ["init"],
      flags: { loglevel: ["info"], "log-format": ["json"], gloglevel: ["0"] },
      rest: [],
    });
  });

  it("takes flags before, between and after the words", () => {
    const { words, flags } = parseCommandLine([
      "--loglevel=debug",
      "wait",
      "-n",
      "argo",
      "finish",
      "-nother",
    ]);
    expect(words).toEqual(["wait", "finish"]);
    expect(flags).toEqual({ loglevel: ["debug"], namespace: ["other"] });
  });

  it("takes an empty value for one, as a controller without klog passes it", () => {
    expect(parseCommandLine(["init", "--gloglevel", ""]).flags).toEqual({ gloglevel: [""] });
  });

  it("lets the last of several win, and keeps each --as-group", () => {
    const { flags } = parseCommandLine(["--token", "a", "--token=b", "--as-group", "g", "--as-group=h"]);
    expect(flagValue(flags, "token")).toBe("b");
    expect(flags["as-group"]).toEqual(["g", "h"]);
  });

  it("reads booleans with and without a value", () => {
    expect(parseCommandLine(["--insecure-skip-tls-verify", "wait"])).toMatchObject({
      words: ["wait"],
      flags: { "insecure-skip-tls-verify": true },
    });
    expect(parseCommandLine(["--disable-compression=F"]).flags).toEqual({ "disable-compression": false });
  });

  it("leaves alone what follows two dashes", () => {
    expect(parseCommandLine(["emissary", "--", "sh", "--loglevel"])).toMatchObject({
      words: ["emissary"],
      rest: ["sh", "--loglevel"],
    });
  });

  it.each([
    [["--nonsense"], "unknown flag: --nonsense"],
    [["-s"], "unknown shorthand flag: 's' in -s"],
    [["wait", "--loglevel"], "flag needs an argument: --loglevel"],
    [["wait", "-n"], "flag needs an argument: 'n' in -n"],
    [
      ["--disable-compression=maybe"],
      'invalid argument "maybe" for "--disable-compression" flag: not a boolean',
    ],
  ])("refuses %j", (argv, message) => {
    expect(() => parseCommandLine(argv)).toThrow(new UsageError(message));
  });
});
