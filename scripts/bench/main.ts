/**
 * `make bench`: measures the executor as it stands in dist/ and writes docs/benchmarks.md.
 *
 *     node scripts/bench/main.ts [--quick]
 *
 * --quick takes fewer runs and smaller content, for trying a change; it prints and does not write.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { chooseSandbox, startS3Server } from "@skein/lab/testing";
import { startBenchApiServer } from "./api-server.ts";
import { type Bench, frontFacts, processCases, transferCases } from "./cases.ts";
import { writeMostlyRandomFile, writeSmallFiles } from "./inputs.ts";
import { renderMarkdown } from "./table.ts";

const MIB = 1024 * 1024;
const checkout = join(import.meta.dirname, "../..");
const quick = process.argv.includes("--quick");

const directory = mkdtempSync(join(tmpfs(), "skein-bench-"));
// Not on the tmpfs: containers have a /dev of their own.
const measure = join(checkout, ".tools/bin/measure");
execFileSync("go", ["build", "-o", measure, "."], {
  cwd: join(checkout, "tools/measure"),
  env: { ...process.env, CGO_ENABLED: "0" },
});
const state = mkdtempSync(join(directory, "state-"));
const store = await startS3Server(join(checkout, ".tools/bin/versitygw"), directory);
const apiServer = await startBenchApiServer();
try {
  const bench: Bench = {
    parts: {
      sandbox: await chooseSandbox(state, process.env.PATH),
      executor: join(checkout, "dist/argoexec"),
      measure,
      directory,
      apiServer,
    },
    store,
    runs: quick ? { short: 3, long: 1 } : { short: 9, long: 3 },
    say: (line) => process.stderr.write(`${line}\n`),
  };
  bench.say("processes");
  const rows = await processCases(bench);
  const facts = await frontFacts(bench);
  const mebibytes = quick ? 64 : 512;
  const count = quick ? 2000 : 20_000;
  rows.push(
    ...(await transferCases(bench, {
      name: `one file of ${mebibytes} MiB, three quarters random`,
      make: (path) => writeMostlyRandomFile(path, mebibytes),
      bytes: mebibytes * MIB,
    })),
    ...(await transferCases(bench, {
      name: `${count.toLocaleString("en")} files of 10 kB`,
      make: (path) => writeSmallFiles(path, count, 10_000),
      bytes: count * 10_000,
    })),
  );
  const page = renderMarkdown(facts, rows, new Date());
  process.stdout.write(page);
  if (!quick) writeFileSync(join(checkout, "docs/benchmarks.md"), page);
} finally {
  apiServer.close();
  await store.close();
  rmSync(directory, { recursive: true, force: true });
}

function tmpfs(): string {
  const found = ["/dev/shm"].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (found === undefined)
    throw new Error("there is no tmpfs at /dev/shm, and the bench must not measure a disk");
  return found;
}
