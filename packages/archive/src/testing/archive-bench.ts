/**
 * Measures this package and writes the table in README.md: `node packages/archive/src/testing/archive-bench.ts [--write]`.
 * Everything happens below a directory in memory (/dev/shm), bundled as in the image, each run in a process of its
 * own. 5 runs, the median counts. Takes about three minutes.
 */
import { spawnSync } from "node:child_process";
import { randomFillSync } from "node:crypto";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";

const RUNS = 5;
const SMALL_FILES = 20_000;
const SMALL_BYTES = 10_240;
const BIG_BYTES = 512 * 1024 ** 2;

interface Run {
  seconds: number;
  cpuSeconds: number;
  peakMb: number;
}

const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "skein-archive-bench-"));
try {
  await bundle();
  makeSmallFiles();
  makeBigFile();
  const table = measureAll();
  process.stdout.write(`${table}\n`);
  if (process.argv.includes("--write")) writeTable(table);
} finally {
  rmSync(directory, { recursive: true, force: true });
}

async function bundle(): Promise<void> {
  await build({
    entryPoints: [join(import.meta.dirname, "archive-bench-case.ts")],
    outfile: join(directory, "case.cjs"),
    ...{ bundle: true, minify: true, platform: "node", format: "cjs", logLevel: "error" },
  });
}

/** Half random, half text, as in the design's table. */
function fillHalf(bytes: Buffer): Buffer {
  bytes.fill("All work and no play makes Jack a dull boy.\n", bytes.length / 2);
  return randomFillSync(bytes, 0, bytes.length / 2);
}

function makeSmallFiles(): void {
  const bytes = Buffer.alloc(SMALL_BYTES);
  for (let at = 0; at < SMALL_FILES; at++) {
    if (at % 100 === 0) mkdirSync(join(directory, `small/d${at / 100}`), { recursive: true });
    writeFileSync(join(directory, `small/d${Math.floor(at / 100)}/f${at}`), fillHalf(bytes));
  }
  shell("tar -cf small.tar small && tar -czf small.tgz small");
}

function makeBigFile(): void {
  const fd = openSync(join(directory, "big"), "w");
  const bytes = Buffer.alloc(1024 ** 2);
  for (let at = 0; at < BIG_BYTES; at += bytes.length) writeSync(fd, fillHalf(bytes));
  closeSync(fd);
  shell("tar -cf - big | gzip -1 > big.tgz");
}

function measureAll(): string {
  const small = `${SMALL_FILES.toLocaleString("en")} files of ${SMALL_BYTES / 1024} KiB`;
  const big = `one file of ${BIG_BYTES / 1024 ** 2} MiB`;
  const rows = [
    row(
      `unpack tar, ${small}`,
      ours("unpack-tar", "small.tar"),
      ours("unpack-tar-stream", "small.tar"),
      theirs("tar -xf small.tar -C out"),
    ),
    row(
      `pack tar, ${small}`,
      ours("pack-tar", "small"),
      ours("pack-tar-stream", "small"),
      theirs("tar -cf - small | cat > /dev/null"),
    ),
    row(
      `unpack tar.gz, ${small}`,
      ours("unpack-tgz", "small.tgz"),
      undefined,
      theirs("tar -xzf small.tgz -C out"),
    ),
    row(
      `pack tar.gz, ${small}`,
      ours("pack-tgz", "small"),
      undefined,
      theirs("tar -czf - small | cat > /dev/null"),
    ),
    row(`unpack tar.gz, ${big}`, ours("unpack-tgz", "big.tgz"), undefined, theirs("tar -xzf big.tgz -C out")),
    row(
      `pack tar.gz, ${big}`,
      ours("pack-tgz", "big"),
      undefined,
      theirs("tar -czf - big | cat > /dev/null"),
    ),
    row(
      `pack zip, ${small}`,
      ours("pack-zip", "small", "small.zip"),
      undefined,
      theirs("rm -f theirs.zip; zip -qr theirs.zip small"),
    ),
    row(
      `unpack zip, ${small}`,
      ours("unpack-zip", "small.zip"),
      undefined,
      theirs("unzip -q small.zip -d out"),
    ),
  ];
  return [
    `Node ${process.version}, ${availableParallelism()} cores, medians of ${RUNS} runs; a process that does nothing peaks at ${ours("nothing")().peakMb} MB.`,
    "",
    "| seconds (CPU seconds) | here | peak RSS | with tar-stream | GNU tar, Info-ZIP |",
    "|---|---|---|---|---|",
    ...rows,
  ].join("\n");
}

/** Each way once, then each again: what else the machine does meanwhile hits all of them. */
function row(what: string, ...ways: ((() => Run) | undefined)[]): string {
  const rounds = Array.from({ length: RUNS }, () => ways.map((way) => way?.()));
  const [mine, tarStream, others] = ways.map((_, at) => median(rounds.map((round) => round[at])));
  const columns = [what, `**${times(mine)}**`, `${mine?.peakMb} MB`, times(tarStream), times(others)];
  return `| ${columns.join(" | ")} |`;
}

function times(run: Run | undefined): string {
  return run === undefined ? "" : `${run.seconds.toFixed(2)} (${run.cpuSeconds.toFixed(2)})`;
}

function ours(...args: string[]): () => Run {
  return () => {
    emptyOut();
    const run = spawnSync(process.execPath, ["case.cjs", ...args], { cwd: directory });
    if (run.status !== 0) throw new Error(`${args.join(" ")}: ${run.stderr.toString().slice(-1000)}`);
    return JSON.parse(run.stdout.toString()) as Run;
  };
}

function theirs(command: string): () => Run {
  return () => {
    emptyOut();
    mkdirSync(join(directory, "out"));
    const times = shell(`TIMEFORMAT="%R %U %S"; time { ${command}; }`).split(" ").map(Number);
    const [seconds = 0, user = 0, system = 0] = times;
    return { seconds, cpuSeconds: user + system, peakMb: 0 };
  };
}

function emptyOut(): void {
  rmSync(join(directory, "out"), { recursive: true, force: true });
}

/** @returns what it wrote to standard error */
function shell(command: string): string {
  const run = spawnSync("bash", ["-c", command], { cwd: directory });
  if (run.status !== 0) throw new Error(`${command}: ${run.stderr}`);
  return run.stderr.toString();
}

/** The run of middling duration; undefined when there was none. */
function median(runs: (Run | undefined)[]): Run | undefined {
  const known = runs.filter((run) => run !== undefined);
  return known.toSorted((one, other) => one.seconds - other.seconds)[Math.floor(known.length / 2)];
}

function writeTable(table: string): void {
  const readme = join(import.meta.dirname, "../../README.md");
  const text = readFileSync(readme, "utf8").replace(
    /(<!-- measured -->\n)[\s\S]*(<!-- end -->)/,
    (_all, begin: string, end: string) => `${begin}${table}\n${end}`,
  );
  writeFileSync(readme, text);
}
