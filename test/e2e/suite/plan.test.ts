import { describe, expect, it } from "vitest";
import { versionOf } from "../controller/versions.ts";
import type { Case } from "./case.ts";
import { planCases } from "./plan.ts";

const run = async (): Promise<void> => {};
const CASES: Case[] = [
  { name: "one", shows: "something", run },
  { name: "two", shows: "something else", versions: [versionOf("v4.1", "initless")], run },
];

function planned(...patterns: string[]): string[] {
  return planCases(CASES, patterns).map(
    ({ test, version }) => `${test.name}@${version.name}/${version.layout}`,
  );
}

describe("planCases", () => {
  it("takes every case for every version it is for, when nothing is asked for", () => {
    expect(planned()).toHaveLength(7);
  });

  it.each([
    ["two", ["two@v4.1/initless"]],
    ["one@v3.5", ["one@v3.5/init"]],
    ["@v4.1/initless", ["one@v4.1/initless", "two@v4.1/initless"]],
  ])("understands %s", (pattern, expected) => {
    expect(planned(pattern)).toEqual(expected);
  });

  it("says what there is when a pattern names nothing", () => {
    expect(() => planned("three")).toThrow("no case is called three; there are: one, two");
  });
});
