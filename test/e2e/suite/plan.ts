import { VERSIONS } from "../controller/versions.ts";
import type { Case } from "./case.ts";
import type { Planned } from "./run-cases.ts";

/**
 * The cases for the versions they are for. A pattern is a case's name, with `@version` or `@version/layout` behind it for
 * less than all of its versions: `hello`, `hello@v3.5`, `hello@v4.1/initless`, `@v3.5`.
 *
 * @throws Error when a pattern names nothing
 */
export function planCases(cases: readonly Case[], patterns: readonly string[]): Planned[] {
  const all = cases.flatMap((test) => (test.versions ?? VERSIONS).map((version) => ({ test, version })));
  if (patterns.length === 0) return all;
  const matching = patterns.map((pattern) => {
    const found = all.filter((planned) => isMatch(planned, pattern));
    if (found.length === 0)
      throw new Error(`no case is called ${pattern}; there are: ${cases.map(({ name }) => name).join(", ")}`);
    return found;
  });
  return all.filter((planned) => matching.some((found) => found.includes(planned)));
}

function isMatch({ test, version }: Planned, pattern: string): boolean {
  const [name = "", where = ""] = pattern.split("@");
  const [wantedVersion = "", layout = ""] = where.split("/");
  return (
    (name === "" || name === test.name) &&
    (wantedVersion === "" || wantedVersion === version.name) &&
    (layout === "" || layout === version.layout)
  );
}
