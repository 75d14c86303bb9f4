/**
 * `make bench`: measures the executor as it stands in dist/ and writes docs/benchmarks.md.
 *
 *     node scripts/bench/main.ts [--quick] [--only NAME]… [--list]
 *
 * --only takes sections whose name has NAME in it; several may be separated by commas. --quick takes fewer runs and less
 * content, for trying a change. With either, the page is printed and not written. --list names the sections.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { chooseSandbox, startS3Server } from "@skein/lab/testing";
import { startBenchApiServer } from "./api-server.ts";
import type { Bench } from "./bench.ts";
import { lookAtMachine } from "./busyness.ts";
import { endlessRows } from "./endless-rows.ts";
import { frontFacts } from "./front-facts.ts";
import { directoryRows, fourArtifactsRows, slowConnectionRows } from "./line-rows.ts";
import { processRows } from "./process-rows.ts";
import { renderMarkdown, type Section } from "./table.ts";
import { rawRows, smallFilesRows, tgzRows } from "./transfer-rows.ts";

interface PlannedSection {
  name: string;
  title: string;
  measure(bench: Bench): Promise<Pick<Section, "rows" | "facts">>;
}

const rowsOf =
  (measure: (bench: Bench) => Promise<Section["rows"]>) =>
  async (bench: Bench): Promise<Pick<Section, "rows">> => ({ rows: (await measure(bench)) ?? [] });

const SECTIONS: readonly PlannedSection[] = [
  { name: "front", title: "The front", measure: async (bench) => ({ facts: await frontFacts(bench) }) },
  { name: "processes", title: "Whole processes", measure: rowsOf(processRows) },
  { name: "tgz", title: "One large file, gzipped", measure: rowsOf(tgzRows) },
  { name: "small-files", title: "Many small files, gzipped", measure: rowsOf(smallFilesRows) },
  { name: "raw", title: "One large file as it is", measure: rowsOf(rawRows) },
  { name: "directory", title: "A directory on a long line", measure: rowsOf(directoryRows) },
  { name: "slow-connections", title: "Narrow connections", measure: rowsOf(slowConnectionRows) },
  { name: "four-artifacts", title: "Several artifacts", measure: rowsOf(fourArtifactsRows) },
  { name: "endless", title: "More than memory holds", measure: rowsOf(endlessRows) },
];

const checkout = join(import.meta.dirname, "../..");
const { values } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", multiple: true, default: [] },
    list: { type: "boolean", default: false },
  },
});
const wanted = values.only.flatMap((names) => names.split(",")).filter(Boolean);
const chosen = SECTIONS.filter(
  ({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)),
);

if (values.list) process.stdout.write(SECTIONS.map(({ name }) => `${name}\n`).join(""));
else if (chosen.length === 0) {
  process.stderr.write(`nothing is called ${wanted.join(" or ")}; --list names what there is\n`);
  process.exitCode = 2;
} else await measureAll();

async function measureAll(): Promise<void> {
  const say = (line: string): void => void process.stderr.write(`bench: ${line}\n`);
  const busyness = await lookAtMachine();
  say(busyness.sentence);
  const directory = mkdtempSync(join(tmpfs(), "skein-bench-"));
  const state = mkdtempSync(join(directory, "state-"));
  const store = await startS3Server(join(checkout, ".tools/bin/versitygw"), directory);
  const apiServer = await startBenchApiServer();
  readAnew(join(checkout, "dist/argoexec/opt/skein/bin/node"));
  try {
    const bench: Bench = {
      parts: {
        sandbox: await chooseSandbox(state, process.env.PATH),
        executor: join(checkout, "dist/argoexec"),
        measure: buildTool("measure"),
        directory,
        apiServer,
      },
      store,
      objects: join(directory, "data", store.bucket),
      slowLink: buildTool("slow-link"),
      runs: values.quick ? { short: 3, long: 1 } : { short: 9, long: 3 },
      shrink: values.quick ? 8 : 1,
      say,
    };
    const sections: Section[] = [];
    for (const { name, title, measure } of chosen) {
      say(name);
      sections.push({ name, title, ...(await measure(bench)) });
    }
    const page = renderMarkdown(sections, busyness, new Date());
    process.stdout.write(page);
    const isWhole = chosen.length === SECTIONS.length && !values.quick;
    if (isWhole) writeFileSync(join(checkout, "docs/benchmarks.md"), page);
  } finally {
    apiServer.close();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

/**
 * Lets the kernel forget what it holds of a file. A program that was just written lies in memory in larger pieces than one that was
 * read from an image's disk, and every process then maps, and is charged with, 20 MB more of Node.js.
 */
function readAnew(path: string): void {
  execFileSync("sync", [path]);
  execFileSync("dd", [`if=${path}`, "iflag=nocache", "count=0", "status=none"]);
}

/** Not on the tmpfs: containers have a /dev of their own. */
function buildTool(name: string): string {
  const program = join(checkout, ".tools/bin", name);
  execFileSync("go", ["build", "-o", program, "."], {
    cwd: join(checkout, "tools", name),
    env: { ...process.env, CGO_ENABLED: "0" },
  });
  return program;
}

function tmpfs(): string {
  const found = ["/dev/shm"].find((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory());
  if (found === undefined)
    throw new Error("there is no tmpfs at /dev/shm, and the bench must not measure a disk");
  return found;
}
