/** `make conformance`: runs the suite in both kinds of container and writes docs/conformance.md. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startVitest } from "vitest/node";
import { conformancePage } from "./page.ts";
import { ConformanceReporter } from "./reporter.ts";

if (process.getuid?.() !== 0) {
  process.stderr.write(
    "conformance: only root can run the locked containers; docs/conformance.md is left as it is\n",
  );
}
const repository = join(import.meta.dirname, "../..");
const reporter = new ConformanceReporter();
const vitest = await startVitest("test", ["test/conformance"], {
  root: repository,
  watch: false,
  reporters: ["default", reporter],
});
await vitest.close();
if (reporter.hasSkipped) {
  process.stderr.write(
    "conformance: some cases were skipped, for the reasons above; docs/conformance.md is left as it is\n",
  );
} else if (process.getuid?.() === 0) {
  writeFileSync(join(repository, "docs/conformance.md"), conformancePage(reporter.results));
}
