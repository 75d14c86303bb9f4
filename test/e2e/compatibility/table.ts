import { VERSIONS } from "../controller/versions.ts";
import type { Case } from "../suite/case.ts";
import { columnName, FEATURES, type Feature, MISSING } from "./features.ts";

const BEGIN =
  "<!-- features: written by `node test/e2e/compatibility/write-table.ts`; a test compares it -->";
const END = "<!-- /features -->";

/** Features × controller versions, each with the cases of the end-to-end suite that show it. */
export function featureTable(cases: readonly Case[]): string {
  const row = (...cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  return [
    BEGIN,
    row("feature", ...VERSIONS.map(columnName), "shown by"),
    row("---", ...VERSIONS.map(() => "---"), "---"),
    ...FEATURES.map((feature) => row(...featureCells(feature, cases))),
    ...MISSING.map((name) =>
      row(name, ...VERSIONS.map(() => "no"), "[§2.2 of conformance.md](conformance.md)"),
    ),
    END,
  ].join("\n");
}

function featureCells({ name, cases: names, without }: Feature, cases: readonly Case[]): string[] {
  const tests = names.map((wanted) => {
    const found = cases.find((test) => test.name === wanted);
    if (!found) throw new Error(`the feature "${name}" is shown by a case ${wanted}, and there is none`);
    return found;
  });
  const support = VERSIONS.map((version) => {
    if (without?.(version)) return "–";
    return tests.every(({ versions = VERSIONS }) => versions.includes(version)) ? "yes" : "not tried";
  });
  return [name, ...support, names.map((one) => `\`${one}\``).join(", ")];
}

/** The page with the table in its place. */
export function withFeatureTable(page: string, cases: readonly Case[]): string {
  const begin = page.indexOf(BEGIN);
  const end = page.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the page has no place for the table: ${BEGIN} … ${END}`);
  return page.slice(0, begin) + featureTable(cases) + page.slice(end + END.length);
}
