import { writeFileSync } from "node:fs";
import type { Reporter, SerializedError, TestModule } from "vitest/node";
import type { Totals } from "./totals.ts";

/**
 * A vitest reporter that writes {@link Totals} as JSON. Vitest's own JSON report leaves out why a test was skipped.
 * A file that cannot be loaded and an error outside of any test count as one failure each.
 */
export class TotalsReporter implements Reporter {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const totals: Totals = { passed: 0, failed: unhandledErrors.length, skipped: [] };
    for (const module of modules) {
      totals.failed += module.errors().length;
      for (const suite of module.children.allSuites()) totals.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const result = test.result();
        if (result.state === "passed") totals.passed += 1;
        else if (result.state === "skipped") {
          const name = `${module.relativeModuleId} ${test.fullName}`;
          totals.skipped.push({ name, reason: result.note ?? "no reason given" });
        } else totals.failed += 1;
      }
    }
    writeFileSync(this.#path, JSON.stringify(totals));
  }
}
