/**
 * Measures loading a git repository against plain `git clone` of the same, over http on loopback, into memory:
 *
 *     node scripts/bench/git.ts [runs]
 *
 * A run of one follows a run of the other, so that what else the machine does strikes both. Prints medians of seconds, and
 * of processor seconds without the server's. Writes nothing.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createTransferEngine, parseTransferSettings } from "@skein/artifacts";
import { createLogger, type GitLocation, parseExecutorConfig, Secret } from "@skein/contract";
import { createTracing } from "@skein/telemetry";
import { writeHistory } from "./git-history.ts";
import { median } from "./table.ts";

const CASES: readonly [string, string[], Omit<GitLocation, "repo">][] = [
  ["all of it", [], {}],
  ["depth 1", ["--depth=1"], { depth: 1 }],
  ["a branch, depth 1", ["--depth=1", "--branch=main"], { revision: "main", depth: 1 }],
];

const runs = Number(process.argv[2] ?? 9);
const directory = mkdtempSync("/dev/shm/skein-bench-git-");
const server = startServer();
try {
  const repository = await writeHistory(join(directory, "repo"));
  const repo = `${await server.url}/repo/.git`;
  process.stdout.write(`${repository}; medians of ${runs} runs\n\n`);
  process.stdout.write("| | git clone, s | CPU s | Skein, s | CPU s |\n|---|---|---|---|---|\n");
  for (const [name, args, at] of CASES) {
    const clones: Cost[] = [];
    const loads: Cost[] = [];
    for (let run = 0; run < runs; run++) {
      const target = join(directory, "target");
      clones.push(await costOf(() => runGit(["clone", "-q", ...args, repo, target])));
      rmSync(target, { recursive: true });
      loads.push(await costOf(() => load({ repo, ...at }, target)));
      rmSync(target, { recursive: true });
    }
    const cells = [clones, loads].flatMap((costs) => [
      median(costs.map(({ seconds }) => seconds)),
      median(costs.map(({ cpuSeconds }) => cpuSeconds)),
    ]);
    process.stdout.write(`| ${[name, ...cells.map((cell) => cell.toFixed(2))].join(" | ")} |\n`);
  }
} finally {
  server.stop();
  rmSync(directory, { recursive: true });
}

interface Cost {
  seconds: number;
  cpuSeconds: number;
}

async function costOf(work: () => Promise<unknown>): Promise<Cost> {
  const before = { seconds: performance.now() / 1000, cpu: cpuSeconds() };
  await work();
  return { seconds: performance.now() / 1000 - before.seconds, cpuSeconds: cpuSeconds() - before.cpu };
}

/** Of this process and of the children it has waited for (proc(5)): utime, stime, cutime, cstime, in hundredths. */
function cpuSeconds(): number {
  const fields = readFileSync("/proc/self/stat", "utf8").split(") ")[1]?.split(" ") ?? [];
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

async function load(git: GitLocation, target: string): Promise<void> {
  const config = parseExecutorConfig({ ARGO_POD_NAME: "p", ARGO_DEADLINE: "0001-01-01T00:00:00Z" });
  const engine = createTransferEngine({
    tracing: await createTracing({ env: {}, resource: { version: "0" } }),
    log: createLogger({ level: "error", format: "text", write: () => {} }),
    secrets: async () => new Secret(""),
    signal: new AbortController().signal,
    settings: parseTransferSettings(config, { PATH: process.env.PATH }),
  });
  await engine.load({ artifact: { name: "source", git }, target });
  await engine.close();
}

function runGit(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn("git", args, { stdio: "ignore" });
    child.once("close", (code) => (code === 0 ? resolve() : reject(new Error(`git exited with ${code}`))));
  });
}

/** In a process of its own, so that its time is not ours. */
function startServer(): { url: Promise<string>; stop(): void } {
  const script = join(import.meta.dirname, "../../test/support/git-server.ts");
  const program = `import(${JSON.stringify(script)}).then(async ({ startGitServer }) =>
    console.log((await startGitServer(${JSON.stringify(directory)})).url))`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  const url = new Promise<string>((resolve) => {
    child.stdout.once("data", (line: Buffer) => resolve(line.toString().trim()));
  });
  return { url, stop: () => child.kill() };
}
