/** `make test` and, with --checks, `make lint`: runs every step even after a failure, and says at the end what came of it. */
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startVitest } from "vitest/node";
import { conformancePage } from "../conformance/page.ts";
import { ConformanceReporter } from "../conformance/reporter.ts";
import { countGoTests } from "./go-totals.ts";
import { runProgram } from "./run-program.ts";
import { addTotals, summaryLine, type Totals } from "./totals.ts";
import { TotalsReporter } from "./vitest-totals.ts";

const repository = join(import.meta.dirname, "../..");
const front = join(repository, "packages/front");

type Check = () => Promise<boolean>;

const CHECKS: Record<string, Check> = {
  "biome: formatting, lint, import rules": () => passes(["biome", "ci", "--colors=off", "."]),
  "tsc: types": () => passes(["tsc", "--build"]),
  "gofmt: formatting": async () => {
    const { exitCode, stdout, stderr } = await runProgram(["gofmt", "-l", "."], { cwd: front });
    process.stdout.write(stdout + stderr);
    return exitCode === 0 && stdout === "";
  },
  "go vet": () => passes(["go", "vet", "./..."], front),
};

const TESTS: Record<string, () => Promise<Totals>> = { "go test": goTests, vitest: vitestTests };

const onlyChecks = process.argv.includes("--checks");
const failedChecks: string[] = [];
for (const [name, check] of Object.entries(CHECKS)) {
  if (!(await step(name, check))) failedChecks.push(name);
}
const totals: Totals[] = [];
for (const [name, run] of Object.entries(onlyChecks ? {} : TESTS)) {
  totals.push(await step(name, run));
}
const total = addTotals(totals);
// A run with a failing check must not end in a line that says "0 failed".
total.failed += failedChecks.length;
for (const name of failedChecks) print(`failed check: ${name}`);
for (const { name, reason } of total.skipped) print(`skipped: ${name}: ${reason}`);
if (!onlyChecks) print(summaryLine(total));
process.exit(total.failed === 0 ? 0 : 1);

async function step<T>(name: string, work: () => Promise<T>): Promise<T> {
  print(`\n── ${name}`);
  const start = performance.now();
  const result = await work();
  print(
    `   ${result === false ? "FAILED" : "done"} after ${((performance.now() - start) / 1000).toFixed(1)} s`,
  );
  return result;
}

async function passes(command: string[], cwd = repository): Promise<boolean> {
  const { exitCode, stdout, stderr } = await runProgram(command, { cwd });
  if (exitCode !== 0) print(stdout + stderr);
  return exitCode === 0;
}

async function goTests(): Promise<Totals> {
  const { exitCode, stdout, stderr } = await runProgram(["go", "test", "-json", "./..."], { cwd: front });
  const { complaints, ...counted } = countGoTests(stdout);
  process.stdout.write(complaints + stderr);
  if (exitCode !== 0 && counted.failed === 0) counted.failed = 1;
  print(`   ${summaryLine(counted)}`);
  return counted;
}

async function vitestTests(): Promise<Totals> {
  const directory = mkdtempSync(join(tmpdir(), "skein-test-"));
  const path = join(directory, "totals.json");
  try {
    const conformance = new ConformanceReporter();
    const vitest = await startVitest("test", [], {
      root: repository,
      watch: false,
      reporters: ["default", new TotalsReporter(path), conformance],
    });
    await vitest.close();
    const totals = JSON.parse(readFileSync(path, "utf8")) as Totals;
    if (!isConformancePageCurrent(conformance)) totals.failed += 1;
    return totals;
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The page says what a run has shown, so a run that shows something else is a failure. */
function isConformancePageCurrent({ hasSkipped, results }: ConformanceReporter): boolean {
  if (process.getuid?.() !== 0) {
    print("docs/conformance.md is not compared: only root runs every case in both kinds of container");
    return true;
  }
  if (hasSkipped) {
    print("docs/conformance.md is not compared: this machine cannot try every case, for the reasons below");
    return true;
  }
  const page = join(repository, "docs/conformance.md");
  const isCurrent = existsSync(page) && readFileSync(page, "utf8") === conformancePage(results);
  if (!isCurrent) print("docs/conformance.md is not what this run has shown: run `make conformance`");
  return isCurrent;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
