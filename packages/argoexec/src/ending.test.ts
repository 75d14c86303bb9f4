import { ArtifactError, ConfigError, ContractError } from "@skein/contract";
import { expect, it } from "vitest";
import { CrashError, endingOf } from "./ending.ts";

it.each<[string, unknown, string[], number]>([
  ["a mandatory variable is missing", new ConfigError("m", { exitCode: 1 }), ["init"], 1],
  ["a variable cannot be read", new ConfigError("m", { exitCode: 2 }), ["init"], 2],
  ["the template cannot be read", new ContractError("m"), ["init"], 2],
  ["an artifact cannot be loaded", new ArtifactError("m", { code: "s3.no_such_key" }), ["init"], 64],
  ["anything else is thrown", new Error("m"), ["wait", "begin"], 64],
  ["something is thrown that is no error", "m", ["init"], 64],
  ["nobody catches an error", new CrashError("m"), ["init"], 1],
  ["nobody catches an error of the last act", new CrashError("m"), ["wait", "finish"], 1],
  ["nobody catches an error of an act that finish follows", new CrashError("m"), ["wait", "begin"], 64],
])("when %s: the exit code of the contract, and the text", (_when, error, words, exitCode) => {
  expect(endingOf(error, words)).toEqual({ exitCode, message: "m" });
});
