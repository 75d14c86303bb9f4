/**
 * `make e2e-observability`: a real collector with the configuration of deploy/observability, a real Prometheus that scrapes
 * it, a real Jaeger that it sends traces to, runs of the lab, every query of the dashboards and rules, and reports of what
 * Jaeger answers.
 */
import { cpSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { World } from "./case.ts";
import { METRIC_CASES } from "./metric-cases.ts";
import { NESTING_CASES } from "./nesting-cases.ts";
import { EMPTY_CASE, QUERY_CASES } from "./query-cases.ts";
import { startStack } from "./stack.ts";

const CASES = [EMPTY_CASE, ...METRIC_CASES, ...NESTING_CASES, ...QUERY_CASES];
/** The lab's containers have a /tmp of their own, and see what lies here. */
const PARENT = "/var/tmp";
const EVIDENCE = join(import.meta.dirname, "../../out/e2e-observability");

const directory = mkdtempSync(join(PARENT, "skein-observability-"));
const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // The second one ends the suite as it stands.
  process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
}
// Whoever reads along may leave; the suite still ends what it started.
process.stdout.on("error", () => {});
let [passed, failed] = [0, 0];
try {
  print(`e2e-observability: starting a collector, Jaeger and Prometheus below ${directory}`);
  await using stack = await startStack(directory);
  const world: World = {
    stack,
    directory,
    signal: stop.signal,
    before: new Set(),
    between: 0,
    checked: [],
  };
  const width = Math.max(...CASES.map(({ name }) => name.length));
  print(`${"case".padEnd(width)}  result  seconds  what`);
  for (const { name, shows, run } of CASES) {
    if (stop.signal.aborted) break;
    const start = performance.now();
    const line = (result: string, what: string): void => {
      const seconds = ((performance.now() - start) / 1000).toFixed(1);
      print(`${name.padEnd(width)}  ${result}  ${seconds.padStart(7)}  ${what}`);
    };
    try {
      line("passed", await run(world));
      passed += 1;
    } catch (error) {
      failed += 1;
      line("FAILED", shows);
      print((error instanceof Error ? error.message : String(error)).split("\n").slice(0, 40).join("\n"));
    }
  }
  print("");
  for (const { query, series } of world.checked) print(`${`${series}`.padStart(3)} series  ${query}`);
} finally {
  if (failed > 0) keepEvidence();
  rmSync(directory, { recursive: true, force: true });
}
print(`\ntests: ${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed < CASES.length ? 1 : 0;

/** Logs and files of the servers, and the pods' logs; not the programs. */
function keepEvidence(): void {
  rmSync(EVIDENCE, { recursive: true, force: true });
  mkdirSync(EVIDENCE, { recursive: true });
  cpSync(directory, EVIDENCE, {
    recursive: true,
    filter: (path) => !/\/(bin|tsdb|state)$/.test(path),
  });
  print(`evidence: ${EVIDENCE}`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
