import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { constants, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runCommand } from "../support/command.ts";
import type { Fault, SeenRequest } from "../support/fault-proxy.ts";
import { type Cluster, startCluster } from "../support/pods/cluster.ts";
import { runPod } from "../support/pods/pod.ts";

/*
 * For each verdict a whole pod that was made to be so, whose trace file the built `skein report` reads: what a person is told of
 * it. The cause takes several times as long as everything else together, also on a machine that does much else.
 */

const SKEIN = fileURLToPath(new URL("../../packages/skein/bin/skein.mjs", import.meta.url));
const SLOW_DISK_FILES = ["slow-disk.ts", "slow-disk-of-executor.ts"];
const MIB = 1024 * 1024;
const MAX_POD_MS = 60_000;

let cluster: Cluster;
beforeAll(async () => {
  // The machine's own disk may be slower than unpacking while it does much else.
  if (existsSync("/dev/shm")) vi.stubEnv("TMPDIR", "/dev/shm");
  cluster = await startCluster();
}, MAX_POD_MS);
afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
  vi.unstubAllEnvs();
});

interface Case {
  name: string;
  /** The verdict, as the report prints it; of what no transfer is to blame for there is none. */
  says?: RegExp;
  /** What to change, where a change would help. */
  advises?: RegExp;
  direction?: "load" | "save";
  archive: "none" | "tar";
  /** Makes the file or directory that is saved, or that somebody has saved. */
  source: (path: string) => void;
  fault?: () => (request: SeenRequest) => Fault | undefined;
  env?: Readonly<Record<string, string>>;
  cores?: 1;
  /** The output is in main's own file system, and no volume. */
  isMainsOwn?: true;
}

const bytes = (length: number) => (path: string) => writeFileSync(path, randomBytes(length));
/** Of six bits a letter: the most work for zlib, in both directions. */
const letters = (length: number) => (path: string) =>
  writeFileSync(path, randomBytes((length / 4) * 3).toString("base64"));
/** Of one bit a letter: eight times as much to unpack as comes over the wire. */
const bits = (length: number) => (path: string) => {
  const block = [...randomBytes(MIB / 8)].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  writeFileSync(path, block.repeat(length / MIB));
};
const files = (count: number) => (path: string) => {
  mkdirSync(path);
  for (let index = 0; index < count; index++) writeFileSync(join(path, `f${index}`), `file ${index}`);
};

/** Goes wrong with the first requests that carry bytes of the artifact. */
const first = (count: number, fault: Fault) => () => {
  let seen = 0;
  return (request: SeenRequest) => (carriesBytes(request) && seen++ < count ? fault : undefined);
};
const each = (fault: Fault) => () => (request: SeenRequest) => (carriesBytes(request) ? fault : undefined);

function carriesBytes({ method, url }: SeenRequest): boolean {
  return (method === "GET" && !url.includes("list-type")) || method === "PUT";
}

/** Waits are random, up to 0.8 s at first: that five of them make less than the second that is worth advice is 1 in 4,000. */
const RETRIES = { EXECUTOR_RETRY_BACKOFF_DURATION: "800ms", EXECUTOR_RETRY_BACKOFF_STEPS: "7" };

const CASES: readonly Case[] = [
  {
    name: "a file over a slow line",
    says: /network-bound: \d streams? at \d/,
    advises: /raise SKEIN_S3_RANGES \(at most \d requests? w/,
    archive: "none",
    source: bytes(34 * MIB),
    fault: each({ type: "trickle", bytesPerSecond: 10 * MIB }),
    env: { SKEIN_S3_RANGES: "1" },
  },
  {
    name: "a large archive",
    says: /decompress-bound: unpacked at \d/,
    archive: "tar",
    source: bits(192 * MIB),
  },
  {
    name: "packing on one core",
    says: /compress-bound: packed at \d+(\.\d)? MB\/s on 1 core/,
    advises: /set archive\.tar\.compressionLevel: 1, or give wait and main \(or supervisor\) more CPU/,
    direction: "save",
    archive: "tar",
    source: letters(48 * MIB),
    cores: 1,
  },
  {
    name: "packing by main on one core",
    says: /packing-bound: main packed it at \d/,
    advises: /save large outputs from a volume .*\/wool\/data: .* packed by main in \d/,
    direction: "save",
    archive: "tar",
    source: letters(96 * MIB),
    cores: 1,
    isMainsOwn: true,
  },
  {
    name: "a file on a slow disk",
    says: /disk-bound: written at \d/,
    advises: /use a faster volume for the artifact/,
    archive: "none",
    source: bytes(8 * MIB),
    env: {
      NODE_OPTIONS: "--import=/argo/config/slow-disk-of-executor.ts",
      TEST_DISK_BYTES_PER_SECOND: String(3 * MIB),
    },
  },
  {
    name: "an archive of small files",
    says: /small-file-bound: 8 000 files at /,
    archive: "tar",
    source: files(8000),
  },
  {
    name: "a directory of small objects",
    says: /small-file-bound: 400 files at /,
    advises: /400 files: archive them where they are saved \(archive: tar\)/,
    archive: "none",
    source: files(400),
    fault: each({ type: "delay", ms: 300 }),
  },
  {
    name: "a server that thinks",
    says: /server-bound: first byte 2\d\d\d ms/,
    advises: /look at the store: most of the time it had not answered yet/,
    archive: "none",
    source: bytes(MIB),
    fault: first(1, { type: "delay", ms: 2000 }),
  },
  {
    name: "a store that asks for less",
    says: /throttled: the server asked for less, 5 retries, /,
    advises: /lower SKEIN_TRANSFER_REQUESTS/,
    archive: "none",
    source: bytes(MIB),
    fault: first(5, { type: "answer", status: 503, code: "SlowDown" }),
    env: RETRIES,
  },
  {
    name: "a store that fails",
    says: /retry-bound: 5 retries, /,
    advises: /look at the store's errors/,
    archive: "none",
    source: bytes(MIB),
    fault: first(5, { type: "answer", status: 500, code: "InternalError" }),
    env: RETRIES,
  },
  {
    name: "a connection that stands still",
    says: /stalled: connections delivered nothing for /,
    advises: /look at the network between node and store/,
    archive: "none",
    source: bytes(MIB),
    fault: first(1, { type: "stall", afterBytes: 1000 }),
    env: { SKEIN_STALL_TIMEOUT_SECONDS: "2" },
  },
  {
    name: "a store that is slow in all ways",
    says: /no stage stands out/,
    archive: "none",
    source: (path) => {
      mkdirSync(path);
      writeFileSync(join(path, "late"), "x");
      writeFileSync(join(path, "slow"), randomBytes(300_000));
    },
    fault:
      () =>
      ({ url }) => {
        if (url.includes("list-type") || url.endsWith("/late")) return { type: "delay", ms: 3000 };
        return url.endsWith("/slow") ? { type: "trickle", bytesPerSecond: 100_000 } : undefined;
      },
    env: { SKEIN_TRANSFER_REQUESTS: "1" },
  },
  {
    name: "a save over a connection that stands still",
    says: /stalled: connections delivered nothing for /,
    advises: /look at the network between node and store/,
    direction: "save",
    archive: "none",
    source: bytes(4 * MIB),
    fault: first(1, { type: "hold", afterBytes: 1000, until: () => new Promise(() => {}) }),
    env: { SKEIN_STALL_TIMEOUT_SECONDS: "1" },
  },
];

/** Puts what a step before would have saved. */
async function putSaved(key: string, { archive, source }: Case): Promise<void> {
  const directory = mkdtempSync(join(cluster.directory, "source-"));
  source(join(directory, "data"));
  if (archive === "tar") {
    await runCommand("tar", ["-C", directory, "-cf", join(directory, "data.tar"), "data"]);
    // Every letter by itself: what is unpacked letter by letter, and came over the wire by the bit.
    const strategy = constants.Z_HUFFMAN_ONLY;
    cluster.putObject(key, gzipSync(readFileSync(join(directory, "data.tar")), { strategy }));
  } else {
    await runCommand("mkdir", ["-p", join(cluster.s3.root, cluster.s3.bucket, key, "..")]);
    await runCommand("mv", [join(directory, "data"), join(cluster.s3.root, cluster.s3.bucket, key)]);
  }
  rmSync(directory, { recursive: true });
}

/** What is started meanwhile may use one core only, as a container whose cpuset is one. */
async function onOneCore<T>(work: () => Promise<T>): Promise<T> {
  const mask = (await runCommand("taskset", ["-p", String(process.pid)])).trim().split(" ").at(-1) ?? "";
  const lowest = BigInt(`0x${mask}`) & -BigInt(`0x${mask}`);
  await runCommand("taskset", ["-ap", lowest.toString(16), String(process.pid)]);
  try {
    return await work();
  } finally {
    await runCommand("taskset", ["-ap", mask, String(process.pid)]);
  }
}

/** @returns the trace file of a pod that has loaded or saved */
async function runCase(made: Case): Promise<string> {
  const { direction = "load", archive, env, source } = made;
  const key = `case-${CASES.indexOf(made)}/data`;
  if (direction === "load") await putSaved(key, made);
  const { endpoint } = await cluster.faultyS3(made.fault?.() ?? (() => undefined));
  const s3 = { ...cluster.repository(key).s3, endpoint };
  const artifact = { name: "data", path: "/wool/data", archive: { [archive]: {} }, s3 };
  const pod = await runPod(cluster, {
    template: {
      name: "step",
      container: made.isMainsOwn ? {} : { volumeMounts: [{ name: "wool", mountPath: "/wool" }] },
      [direction === "load" ? "inputs" : "outputs"]: { artifacts: [artifact] },
      archiveLocation: cluster.repository("unused"),
    },
    volumes: ["/wool"],
    ...(direction === "save" && { prepare: (files) => source(join(files.volume("/wool"), "data")) }),
    config: Object.fromEntries(
      SLOW_DISK_FILES.map((name) => [name, readFileSync(new URL(name, import.meta.url), "utf8")]),
    ),
    ...(env && { envOf: { init: env, wait: env } }),
  });
  const codes = [pod.init.exitCode, pod.wait?.exitCode];
  expect(codes, pod.init.log + (pod.wait?.log ?? "")).toEqual([0, 0]);
  return join(cluster.directory, pod.name, "trace/spans.jsonl");
}

describe("skein report", () => {
  it.each(CASES)("says of $name what bound it, and what to change", { timeout: MAX_POD_MS }, async (made) => {
    const file = await (made.cores === 1 ? onOneCore(() => runCase(made)) : runCase(made));
    const report = await runCommand(process.execPath, [SKEIN, "report", file]);
    const told = report.replace(/\s+/g, " ");
    if (made.says) expect(told).toMatch(new RegExp(`→ [^→]*${made.says.source}`, "i"));
    if (!made.advises) return;
    expect(told.slice(told.indexOf("What to change"))).toMatch(made.advises);
  });
});
