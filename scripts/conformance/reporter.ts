import type { Reporter, TestModule } from "vitest/node";
import type { CaseResult } from "./page.ts";

/** Collects what came of the conformance cases in a run of vitest. */
export class ConformanceReporter implements Reporter {
  readonly results: CaseResult[] = [];
  /** Whether this machine could not try every case. */
  hasSkipped = false;

  onTestRunEnd(modules: readonly TestModule[]): void {
    for (const module of modules) {
      const file = module.relativeModuleId;
      if (!file.startsWith("test/conformance/")) continue;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        this.hasSkipped ||= state === "skipped";
        const table = test.parent.type === "suite" ? test.parent.name : "";
        this.results.push({ title: test.name, table, file, passed: state === "passed" });
      }
    }
  }
}
