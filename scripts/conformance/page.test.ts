import { describe, expect, it } from "vitest";
import { type CaseResult, conformancePage } from "./page.ts";

const file = "test/conformance/10-parameters.test.ts";
const result = (title: string, profile: string, passed = true): CaseResult => ({
  title,
  table: `parameters (${profile})`,
  file,
  passed,
});

describe("conformancePage", () => {
  it("has a row for each statement, in the order of the contract's sections", () => {
    const page = conformancePage([
      result("§10.1 later", "root"),
      result("§9.2 earlier", "root"),
      result("§10.1 later", "locked", false),
    ]);
    const rows = page.split("\n").filter((line) => /^\| \d/.test(line));
    const link = "[10-parameters](../test/conformance/10-parameters.test.ts)";
    expect(rows).toEqual([
      `| 9.2 | earlier | passed | – | ${link} |`,
      `| 10.1 | later | passed | **failed** | ${link} |`,
    ]);
    expect(page).toContain("2 statements");
  });

  it("names the pitfall, and keeps what would break the table", () => {
    const page = conformancePage([result("§10.4 a | b [§22.5]", "root")]);
    expect(page).toContain("| 10.4 | a \\| b [§22.5] | passed | – |");
  });

  it("leaves out what is not a statement", () => {
    expect(conformancePage([result("something else", "root")])).toContain("0 statements");
  });

  it("does not depend on the order of the results", () => {
    const results = [result("§2.1 a", "root"), result("§2.1 b", "locked"), result("§3 c", "root")];
    expect(conformancePage(results.toReversed())).toBe(conformancePage(results));
  });
});
