import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CASES } from "../cases/index.ts";
import { FEATURES } from "./features.ts";
import { featureTable, withFeatureTable } from "./table.ts";

const PAGE = readFileSync(join(import.meta.dirname, "../../../docs/compatibility.md"), "utf8");

describe("docs/compatibility.md", () => {
  it("says of each feature what the end-to-end cases are run for: write-table.ts writes it", () => {
    expect(withFeatureTable(PAGE, CASES)).toBe(PAGE);
  });

  it("promises nothing that is not tried with every controller that has it", () => {
    expect(featureTable(CASES)).not.toContain("not tried");
  });
});

describe("featureTable", () => {
  it("says so when a case is not run for a version", () => {
    const [
      {
        cases: [first = ""],
      } = { cases: [] },
    ] = FEATURES;
    const fewer = CASES.map((test) => (test.name === first ? { ...test, versions: [] } : test));
    expect(featureTable(fewer)).toContain("not tried");
  });

  it("refuses a feature that names a case that is not there", () => {
    expect(() => featureTable(CASES.slice(1))).toThrow(`a case ${CASES[0]?.name}`);
  });
});

describe("the cases", () => {
  it("have names of their own", () => {
    const names = CASES.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });
});
