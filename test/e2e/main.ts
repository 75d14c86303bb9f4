/**
 * `make e2e`: real containers, a real API server, a real store and a real collector.
 *
 *     node test/e2e/main.ts [--jobs N] [--tag dev] [--list] [CASE[@VERSION[/LAYOUT]] …]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { parseArgs } from "node:util";
import { CASES } from "./cases/index.ts";
import { VERSIONS } from "./controller/versions.ts";
import { planCases } from "./suite/plan.ts";
import { type Outcome, runCases } from "./suite/run-cases.ts";
import { createTable } from "./suite/table.ts";
import { startWorld } from "./suite/world.ts";

const checkout = join(import.meta.dirname, "../..");
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: "string", default: "3" },
    list: { type: "boolean", default: false },
    tag: { type: "string", default: "dev" },
  },
});

if (values.list) {
  for (const { name, shows, versions = VERSIONS } of CASES) {
    const names = versions.map(({ name, layout }) => (layout === "init" ? name : `${name}/${layout}`));
    print(`${name}: ${shows} (${names.join(", ")})`);
  }
} else {
  process.exitCode = await runSuite().catch((error: Error) => {
    // Nothing of the cases: a name that there is not, an image that was not built, a server that did not start.
    print(`e2e: ${error.message}`);
    return 1;
  });
}

async function runSuite(): Promise<number> {
  const plan = planCases(CASES, positionals);
  const directory = mkdtempSync(join(tmpdir(), "skein-e2e-"));
  const evidence = join(checkout, "out/e2e", new Date().toISOString().replaceAll(":", "-").slice(0, 19));
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    // The second one ends the suite as it stands.
    process.once(signal, () => stop.abort(new Error(`stopped by ${signal}`)));
  }
  const start = performance.now();
  let outcomes: Outcome[] = [];
  try {
    print(`e2e: starting etcd, kube-apiserver, S3 and a collector below ${directory}`);
    await using world = await startWorld({
      directory,
      run: basename(directory),
      tag: values.tag,
      containersConf: join(checkout, "scripts/containers/containers.conf"),
    });
    const table = createTable(plan);
    print(table.head());
    const stopped = new Promise<void>((resolve) => stop.signal.addEventListener("abort", () => resolve()));
    const run = runCases(world, plan, {
      jobs: Number(values.jobs),
      evidence,
      signal: stop.signal,
      onOutcome: (outcome) => {
        outcomes = [...outcomes, outcome];
        print(table.row(outcome));
      },
    });
    // Whatever the cases wait for: it ends with the world.
    run.catch(() => {});
    await Promise.race([run, stopped]);
    if (stop.signal.aborted) print("e2e: stopping, and ending what was started");
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
  return report(outcomes, stop.signal.aborted, (performance.now() - start) / 1000);
}

function report(outcomes: readonly Outcome[], isStopped: boolean, seconds: number): number {
  const failed = outcomes.filter(({ error }) => error !== undefined);
  for (const { test, version, error, evidence } of failed) {
    const message = error instanceof Error ? error.message : String(error);
    print(`\nfailed: ${test.name}@${version.name}/${version.layout}: ${test.shows}`);
    print(message.split("\n").slice(0, 30).join("\n"));
    print(`evidence: ${evidence}`);
  }
  if (isStopped) print("\ne2e: stopped before the end");
  print(`\n${seconds.toFixed(0)} s in all`);
  print(`tests: ${outcomes.length - failed.length} passed, ${failed.length} failed`);
  return failed.length > 0 || isStopped || outcomes.length === 0 ? 1 : 0;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
