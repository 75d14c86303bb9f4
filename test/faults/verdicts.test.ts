import "./slow-disk.ts"; // before whatever writes

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { TransferReport } from "../../packages/artifacts/src/index.ts";
import { patternedBytes, s3Location } from "../../packages/artifacts/src/test-support.ts";
import type { Artifact } from "../../packages/contract/src/index.ts";
import { type Fault, type SeenRequest, startFaultProxy } from "../support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { type Bed, makeBed, PART_BYTES, REGION, withEngine } from "./operations.ts";
import { setDiskSpeed } from "./slow-disk.ts";

const MIB = 1024 * 1024;
/** Where there is one: the machine's own may be slower than unpacking while it does much else. */
const FAST_DISK = existsSync("/dev/shm") ? "/dev/shm" : undefined;

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ flags: ["--region", REGION] });
});

afterEach(() => setDiskSpeed(undefined));
afterAll(() => server[Symbol.asyncDispose]());

type Archive = NonNullable<Artifact["archive"]>;
type Settings = Parameters<typeof withEngine>[1];

/** A run that was made to wait for one thing. */
interface Run {
  name: string;
  boundBy: TransferReport["boundBy"];
  says: RegExp;
  direction?: "load" | "save";
  archive: Archive;
  source: (path: string) => Promise<void>;
  settings?: Settings;
  fault?: (request: SeenRequest, index: number) => Fault | undefined;
  diskBytesPerSecond?: number;
}

const bytes = (length: number) => (path: string) => writeFile(path, patternedBytes(length));
/** Of six bits a letter: the most work for zlib, in both directions. */
const text = (length: number) => (path: string) =>
  writeFile(path, randomBytes((length / 4) * 3).toString("base64"));
const files = (count: number) => async (path: string) => {
  await mkdir(path);
  for (let index = 0; index < count; index++) await writeFile(join(path, `f${index}`), `file ${index}`);
};

const slowLine = (bytesPerSecond: number) => (): Fault => ({ type: "trickle", bytesPerSecond });
const first = (count: number, fault: Fault) => (_request: SeenRequest, index: number) =>
  index < count ? fault : undefined;

const RUNS: readonly Run[] = [
  {
    name: "a file over slow lines",
    boundBy: "network",
    says: /^network-bound: \d streams at \d/,
    archive: { none: {} },
    source: bytes(12 * MIB),
    settings: { rangeBytes: PART_BYTES },
    fault: slowLine(MIB / 2),
  },
  {
    name: "an archive over slow lines",
    boundBy: "network",
    says: /^network-bound: \d streams at \d/,
    archive: { tar: {} },
    source: bytes(6 * MIB),
    settings: { rangeBytes: MIB, ranges: 2 },
    fault: slowLine(MIB / 2),
  },
  {
    // Its writes go on beside the unpacking; named after what happened when they were counted as the disk's.
    name: "a large archive whose writes are hidden behind the unpacking",
    boundBy: "decompress",
    says: /^decompress-bound: unpacked at \d/,
    archive: { tar: {} },
    source: text(32 * MIB),
  },
  {
    name: "an archive on a slow disk",
    boundBy: "disk",
    says: /^disk-bound: written at \d/,
    archive: { tar: {} },
    source: bytes(8 * MIB),
    diskBytesPerSecond: 4 * MIB,
  },
  {
    name: "a file on a slow disk, straight to its place",
    boundBy: "disk",
    says: /^disk-bound: written at \d/,
    archive: { none: {} },
    source: bytes(12 * MIB),
    settings: { rangeBytes: PART_BYTES },
    diskBytesPerSecond: 6 * MIB,
  },
  {
    name: "a file on a slow disk, in order",
    boundBy: "disk",
    says: /^disk-bound: written at \d/,
    archive: { none: {} },
    source: bytes(8 * MIB),
    settings: { rangeBytes: MIB },
    diskBytesPerSecond: 4 * MIB,
  },
  {
    name: "an archive of small files",
    boundBy: "small-files",
    says: /^small-file-bound: 3 000 files at /,
    archive: { tar: {} },
    source: files(3000),
  },
  {
    name: "a directory of small objects",
    boundBy: "small-files",
    says: /^small-file-bound: 400 files at /,
    archive: { none: {} },
    source: files(400),
    fault: () => ({ type: "delay", ms: 50 }),
  },
  {
    name: "a server that thinks",
    boundBy: "first-byte",
    says: /^server-bound: first byte 2\d\d\d ms/,
    archive: { none: {} },
    source: bytes(MIB),
    settings: { stallTimeoutMs: 20_000 },
    fault: first(1, { type: "delay", ms: 2000 }),
  },
  {
    name: "a store that asks for less",
    boundBy: "throttled",
    says: /^throttled: the server asked for less, 4 retries, /,
    archive: { none: {} },
    source: bytes(MIB),
    settings: { retry: { baseDelayMs: 500, factor: 1.6, maxDelayMs: 2000, budgetMs: 60_000 } },
    fault: first(4, { type: "answer", status: 503, code: "SlowDown" }),
  },
  {
    name: "a connection that stands still",
    boundBy: "stalled",
    says: /^stalled: connections delivered nothing for /,
    archive: { none: {} },
    source: bytes(MIB),
    settings: { stallTimeoutMs: 2000 },
    fault: first(1, { type: "stall", afterBytes: 1000 }),
  },
  {
    name: "packing",
    boundBy: "compress",
    says: /^compress-bound: packed at \d/,
    direction: "save",
    archive: { tar: {} },
    source: text(16 * MIB),
  },
  {
    name: "a save over a connection that stands still",
    boundBy: "stalled",
    says: /^stalled: connections delivered nothing for /,
    direction: "save",
    archive: { none: {} },
    source: bytes(4 * MIB),
    settings: { stallTimeoutMs: 2000 },
    fault: first(1, { type: "hold", afterBytes: 1000, until: () => new Promise(() => {}) }),
  },
];

async function run(
  bed: Bed,
  { direction = "load", archive, source, settings, fault, diskBytesPerSecond }: Run,
) {
  const from = join(bed.path, "source");
  await source(from);
  const artifactAt = (endpoint: string): Artifact => ({
    name: "data",
    archive,
    s3: s3Location({ endpoint, bucket: bed.bucket }, "data", { region: REGION }),
  });
  const save = { kind: "path", path: from } as const;
  if (direction === "load") {
    await withEngine(bed, {}, ({ engine }) =>
      engine.save({ artifact: artifactAt(server.endpoint), source: save }),
    );
    await rm(from, { recursive: true });
  }
  await using proxy = await startFaultProxy(server.endpoint, fault ?? (() => undefined));
  const artifact = artifactAt(proxy.endpoint);
  return await withEngine(bed, settings, async ({ engine, spans }) => {
    setDiskSpeed(diskBytesPerSecond);
    const report =
      direction === "load"
        ? await engine.load({ artifact, target: join(bed.path, "loaded") })
        : await engine.save({ artifact, source: save });
    const span = spans.find(({ name }) => name === `${direction}Artifact`);
    return { report, wallSeconds: span?.seconds ?? 0 };
  });
}

describe("the verdict", () => {
  it.each(RUNS)("on $name is $boundBy, and the stages sum to the wall time within 5 %", async (made) => {
    await using bed = await makeBed(server, FAST_DISK);
    const { report, wallSeconds } = await run(bed, made);
    expect(report.boundBy, JSON.stringify(report)).toBe(made.boundBy);
    expect(report.verdict).toMatch(made.says);
    const sum = Object.values(report.stages).reduce((total, seconds) => total + seconds, 0);
    expect(Math.abs(sum - wallSeconds) / wallSeconds, JSON.stringify(report.stages)).toBeLessThan(0.05);
  });
});
