import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Artifact } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startFaultProxy } from "../../../../test/support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import { PartMemory } from "../part-memory.ts";
import { Semaphore } from "../semaphore.ts";
import {
  createTestEngine,
  observedTransfer,
  patternedBytes,
  s3DriverThrough,
  s3Location,
  s3Secrets,
  temporaryDirectory,
} from "../test-support.ts";

const MIB = 1024 * 1024;
const ARTIFACTS = 4;
/** What a socket brings at a time, which nobody can refuse. */
const CHUNK_BYTES = 64 * 1024;

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server[Symbol.asyncDispose]());

/** Limits that several artifacts have together. */
function sharedLimits(memoryBytes: number) {
  const memory = new Semaphore(memoryBytes);
  return { memory, parts: new PartMemory(memory), requests: new Semaphore(32) };
}

/** Waits until a number does not grow any more. */
async function settled(read: () => number): Promise<number> {
  for (let before = -1; ; await delay(300)) {
    if (read() === before) return before;
    before = read();
  }
}

describe("several artifacts of a pod", () => {
  it("hold no more in memory than one budget when nobody takes what they load", async () => {
    await writeFile(join(server.root, server.bucket, "unread"), patternedBytes(24 * MIB));
    const limits = sharedLimits(10 * MIB);
    const loads = Array.from({ length: ARTIFACTS }, () => observedTransfer(limits).transfer);
    await using s3 = await s3DriverThrough(server, "unread", undefined, { rangeBytes: 4 * MIB });
    const streams = await Promise.all(
      loads.map(async (transfer) => {
        const content = await s3.driver.open(transfer);
        if (content.kind !== "stream") throw new Error("expected one object");
        const chunks = content.stream[Symbol.asyncIterator]();
        await chunks.next();
        return chunks;
      }),
    );
    const held = await settled(() => loads.reduce((sum, { tally }) => sum + tally.bytes, 0));
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThan(limits.memory.capacity + ARTIFACTS * 4 * CHUNK_BYTES);
    for (const chunks of streams) await chunks.return?.(undefined);
    expect(limits.memory.free).toBe(limits.memory.capacity);
  });

  it("take no more from the disk than one budget when the store takes nothing", async () => {
    const limits = sharedLimits(12 * MIB);
    let taken = 0;
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) {
        taken += CHUNK_BYTES;
        yield Buffer.alloc(CHUNK_BYTES);
        await delay(0);
      }
    }
    const stop = new AbortController();
    await using s3 = await s3DriverThrough(
      server,
      "unsent",
      ({ method }) =>
        method === "PUT" ? { type: "hold", afterBytes: 0, until: () => new Promise(() => {}) } : undefined,
      { stallTimeoutMs: 60_000 },
    );
    const saves = Array.from({ length: ARTIFACTS }, () =>
      s3.driver.saveStream?.(
        { fileName: "x", open: endless },
        observedTransfer({ ...limits, signal: stop.signal }).transfer,
      ),
    );
    const ended = Promise.allSettled(saves);
    expect(await settled(() => taken)).toBeLessThan(limits.memory.capacity + 2 * ARTIFACTS * CHUNK_BYTES);
    stop.abort(new Error("that was it"));
    await ended;
    expect(limits.memory.free).toBe(limits.memory.capacity);
  });

  it("do not wait for each other's memory for ever, however little there is", async () => {
    await using directory = await temporaryDirectory();
    const settings = { memoryBytes: MIB, rangeBytes: 5 * MIB, partBytes: 5 * MIB };
    await using test = await createTestEngine(s3Secrets(server), { settings });
    const artifact: Artifact = { name: "a", archive: { none: {} }, s3: s3Location(server, "tight") };
    const bytes = patternedBytes(11 * MIB);
    await writeFile(join(directory.path, "file"), bytes);
    await test.engine.save({ artifact, source: { kind: "path", path: join(directory.path, "file") } });
    const targets = Array.from({ length: ARTIFACTS }, (_, index) => join(directory.path, `loaded${index}`));
    await Promise.all(targets.map((target) => test.engine.load({ artifact, target })));
    for (const target of targets) expect((await readFile(target)).equals(bytes)).toBe(true);
  });

  it("have no more requests on the way than one limit, whatever they are", async () => {
    await using directory = await temporaryDirectory();
    await using proxy = await startFaultProxy(server.endpoint, () => ({ type: "delay", ms: 30 }));
    const settings = { requests: 6, artifacts: 8, partBytes: 5 * MIB, rangeBytes: MIB };
    await using test = await createTestEngine(s3Secrets(server), { settings });
    await mkdir(join(directory.path, "tree"));
    for (let index = 0; index < 40; index++) await writeFile(join(directory.path, "tree", `${index}`), "x");
    await writeFile(join(directory.path, "file"), patternedBytes(11 * MIB));
    const artifact = (name: string, archive: Artifact["archive"] = { none: {} }): Artifact => ({
      name,
      archive,
      s3: s3Location({ ...server, endpoint: proxy.endpoint }, name),
    });
    const save = (name: string, from: string) =>
      test.engine.save({
        artifact: artifact(name),
        source: { kind: "path", path: join(directory.path, from) },
      });
    const load = (name: string, to: string) =>
      test.engine.load({ artifact: artifact(name), target: join(directory.path, to) });
    await Promise.all([save("t1", "tree"), save("t2", "tree"), save("f1", "file"), save("f2", "file")]);
    await Promise.all([load("t1", "l1"), load("t2", "l2"), load("f1", "l3"), load("f2", "l4")]);
    expect(proxy.mostAtOnce).toBeGreaterThan(2);
    expect(proxy.mostAtOnce).toBeLessThanOrEqual(settings.requests);
  });
});
