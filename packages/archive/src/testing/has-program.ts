import { spawnSync } from "node:child_process";
import type { TestContext } from "vitest";

/** Whether a program is there to be compared with; tests that need one more than Node, git and tar are skipped without it. */
export function hasProgram(name: string): boolean {
  return spawnSync(name, ["--help"]).error === undefined;
}

/** For `beforeEach`, or to be called first in a test: without one of the programs the test is skipped, and says which are missing. */
export function skipWithout(...programs: string[]): (context: Pick<TestContext, "skip">) => void {
  let missing: string[] | undefined;
  return ({ skip }) => {
    missing ??= programs.filter((program) => !hasProgram(program));
    if (missing.length > 0) skip(`there is no ${missing.join(" and no ")} here`);
  };
}
