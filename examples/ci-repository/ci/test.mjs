/** Runs every package's tests; writes a page of coverage per package to `--coverage`. Prints one line: the verdict. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { listPackages, option } from "./packages.mjs";
import { sendSpans, withSpan } from "./trace.mjs";

const coverage = option("coverage", "coverage");
mkdirSync(coverage, { recursive: true });

let passed = 0;
const failures = [];
await withSpan("unit tests", {}, async (run) => {
  for (const { name, modules, tests } of listPackages()) {
    const attributes = { "test.suite.name": name, "test.files": tests.length };
    await withSpan(`test ${name}`, { parent: run, attributes }, async (suite) => {
      for (const file of tests) await runFile(file);
      suite.attributes["test.suite.run.status"] = failures.length === 0 ? "success" : "failure";
      writeFileSync(join(coverage, `${name}.html`), renderCoverage(name, modules));
    });
  }
  run.attributes["test.cases.passed"] = passed;
  run.attributes["test.cases.failed"] = failures.length;
});
await sendSpans("weaver-ci");

for (const failure of failures) process.stderr.write(`${failure}\n`);
process.stdout.write(`${passed} tests passed, ${failures.length} failed\n`);
process.exitCode = failures.length === 0 ? 0 : 1;

async function runFile(file) {
  const { tests } = await import(file);
  for (const [name, test] of Object.entries(tests)) {
    try {
      test();
      passed += 1;
    } catch (error) {
      failures.push(`${basename(file)}: ${name}: ${error.message}`);
    }
  }
}

function renderCoverage(name, modules) {
  const rows = modules.map((file) => {
    const lines = readFileSync(file, "utf8")
      .split("\n")
      .map((line, index) => `<tr><td>${index + 1}</td><td><code>${escapeHtml(line)}</code></td></tr>`);
    return `<h2>${basename(file)}</h2><table>${lines.join("\n")}</table>`;
  });
  return `<!doctype html><title>${name}</title><h1>${name}</h1>${rows.join("\n")}\n`;
}

function escapeHtml(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
