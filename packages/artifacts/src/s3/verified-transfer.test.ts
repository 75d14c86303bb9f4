import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import type { Artifact, S3Location } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Fault, type SeenRequest, startFaultProxy } from "../../../../test/support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import {
  collect,
  connectorTo,
  createTestEngine,
  observedTransfer,
  patternedBytes,
  s3Location,
  s3Secrets,
  type TemporaryDirectory,
  temporaryDirectory,
} from "../test-support.ts";
import type { ObjectStore } from "./object-store.ts";

const MIB = 1024 * 1024;
/** Three parts of five MiB, the last one short. */
const LARGE = patternedBytes(11 * MIB);
const SMALL = patternedBytes(100_000);
const SETTINGS = { rangeBytes: 5 * MIB, partBytes: 5 * MIB };

let server: S3Server;
beforeAll(async () => {
  server = await startS3Server();
});
afterAll(() => server[Symbol.asyncDispose]());

type FaultOf = (request: SeenRequest, index: number) => Fault | undefined;

/** Loads an object as it is, through a proxy that may do harm. */
async function load(
  directory: TemporaryDirectory,
  key: string,
  fault: FaultOf = () => undefined,
  more: Partial<Artifact> = {},
) {
  await using proxy = await startFaultProxy(server.endpoint, fault);
  await using test = await createTestEngine(s3Secrets(server), { settings: SETTINGS });
  const target = join(directory.path, "loaded");
  const s3 = s3Location({ ...server, endpoint: proxy.endpoint }, key);
  const artifact = { name: "model", archive: { none: {} }, ...more, s3 };
  const report = await test.engine.load({ artifact, target }).finally(() => test.engine);
  return { report, seen: proxy.seen, content: await readFile(target) };
}

async function save(
  directory: TemporaryDirectory,
  key: string,
  content: Uint8Array | Record<string, string>,
  archive: Artifact["archive"] = { none: {} },
) {
  await using test = await createTestEngine(s3Secrets(server), { settings: SETTINGS });
  const path = join(directory.path, "source");
  if (content instanceof Uint8Array) await writeFile(path, content);
  else {
    await mkdir(path);
    for (const [name, text] of Object.entries(content)) await writeFile(join(path, name), text);
  }
  await test.engine.save({
    artifact: { name: "model", archive, s3: s3Location(server, key) },
    source: { kind: "path", path },
  });
}

async function withStore<T>(work: (store: ObjectStore, signal: AbortSignal) => Promise<T>): Promise<T> {
  await using connector = connectorTo(server);
  const { transfer } = observedTransfer();
  return await work(await connector.connect(s3Location(server, "") as S3Location, transfer), transfer.signal);
}

const metadataOf = (key: string) =>
  withStore(async (store, signal) => {
    const { metadata, body } = await store.get(key, { signal });
    for await (const _chunk of body);
    return metadata;
  });

/** The first request for a byte of the object that is not the last one of a retry. */
function flipOnce(atByte: number, of: RegExp): FaultOf {
  let flipped = false;
  return ({ url, range = "" }) => {
    const [, first = "0", last = "0"] = /=(\d+)-(\d+)/.exec(range) ?? [];
    if (flipped || !of.test(url) || atByte < Number(first) || atByte > Number(last)) return undefined;
    flipped = true;
    return { type: "flip", atByte: atByte - Number(first) };
  };
}

describe("what was saved is compared when it is loaded", () => {
  it("records digest, size and files of what goes out at once, and how the rest is cut", async () => {
    await using directory = await temporaryDirectory();
    await save(directory, "recorded/small", SMALL);
    const digest = createHash("sha256").update(SMALL).digest("hex");
    expect(await metadataOf("recorded/small")).toEqual({
      "skein-digest": `sha256:${digest}`,
      "skein-size": "100000",
    });
    await using second = await temporaryDirectory();
    await save(second, "recorded/tree.tgz", { a: "1", b: "2" }, { tar: {} });
    expect(await metadataOf("recorded/tree.tgz")).toMatchObject({ "skein-files": "2" });
    await using third = await temporaryDirectory();
    await save(third, "recorded/large", LARGE);
    expect(await metadataOf("recorded/large")).toEqual({
      "skein-part-bytes": String(5 * MIB),
      "skein-size": String(11 * MIB),
    });
  });

  it.each([
    ["in one piece", SMALL, 50_000],
    ["in parts, each straight to its place", LARGE, 7 * MIB],
  ])("loads again what was damaged on the way, %s", async (_how, content, atByte) => {
    await using directory = await temporaryDirectory();
    const key = `flipped/${content.byteLength}`;
    await save(directory, key, content);
    const { content: loaded, report } = await load(directory, key, flipOnce(atByte, /flipped/));
    expect(loaded.equals(content)).toBe(true);
    expect(report.retries).toBe(1);
  });

  it("compares an object of parts also when it is not read as it was cut", async () => {
    await using directory = await temporaryDirectory();
    await save(directory, "cut/otherwise", LARGE);
    await using proxy = await startFaultProxy(server.endpoint, flipOnce(8 * MIB, /cut/));
    await using test = await createTestEngine(s3Secrets(server), {
      settings: { ...SETTINGS, rangeBytes: 3 * MIB },
    });
    const target = join(directory.path, "loaded");
    const s3 = s3Location({ ...server, endpoint: proxy.endpoint }, "cut/otherwise");
    const report = await test.engine.load({ artifact: { name: "model", archive: { none: {} }, s3 }, target });
    expect((await readFile(target)).equals(LARGE)).toBe(true);
    expect(report.retries).toBe(1);
  });

  it("says so when it is damaged where it comes from, and leaves nothing", async () => {
    await using directory = await temporaryDirectory();
    await save(directory, "rotten/small", SMALL);
    const always: FaultOf = () => ({ type: "flip", atByte: 7 });
    await expect(load(directory, "rotten/small", always)).rejects.toMatchObject({
      code: "transfer.digest_mismatch",
      message: expect.stringMatching(
        /rotten\/small did not arrive as it was saved: sha256 [0-9a-f]{64}, its metadata says [0-9a-f]{64}/,
      ),
      remedy: expect.stringContaining("save the artifact again"),
    });
    expect(await readdir(directory.path)).toEqual(["source"]);
  });

  it("takes an ETag that is an MD5 for what others have saved", async () => {
    await using directory = await temporaryDirectory();
    await withStore((store, signal) => store.put("others/small", SMALL, { signal, contentType: "x" }));
    const { report, content } = await load(directory, "others/small", flipOnce(3, /others/));
    expect([report.retries, content.equals(SMALL)]).toEqual([1, true]);
  });

  it("refuses an object that is shorter than when it was saved, and an archive that lacks files", async () => {
    await using directory = await temporaryDirectory();
    const put = (key: string, body: Uint8Array, metadata: Record<string, string>) =>
      withStore((store, signal) => store.put(key, body, { signal, contentType: "x", metadata }));
    await put("short/object", SMALL, { "skein-size": "100001" });
    await expect(load(directory, "short/object")).rejects.toMatchObject({
      code: "transfer.digest_mismatch",
      message: expect.stringContaining("it has 100000 bytes, its metadata says 100001"),
    });
    await using tree = await temporaryDirectory();
    await save(tree, "short/tree.tgz", { a: "1", b: "2" }, { tar: {} });
    const whole = await withStore(async (store, signal) => {
      const { body } = await store.get("short/tree.tgz", { signal });
      return collect(body);
    });
    await put("short/tree.tgz", whole, { "skein-files": "3" });
    await expect(load(tree, "short/tree.tgz", undefined, { archive: { tar: {} } })).rejects.toMatchObject({
      code: "transfer.digest_mismatch",
      message: expect.stringContaining("2 files, its metadata says 3"),
    });
  });

  it("passes over an ETag and metadata that say nothing", async () => {
    await using directory = await temporaryDirectory();
    const metadata = { "skein-digest": "sha256:no", "skein-size": "many", "skein-part-bytes": "0" };
    const packed = gzipSync("not a tar");
    await withStore((store, signal) =>
      store.put("odd/object", packed, { signal, contentType: "x", metadata }),
    );
    expect((await load(directory, "odd/object")).content.equals(packed)).toBe(true);
  });
});

describe("a connection that is too slow", () => {
  it("is left when it delivers less than the floor for as long as a stall, and the range taken up where it was", async () => {
    await using directory = await temporaryDirectory();
    await save(directory, "slow/small", SMALL);
    let isFirst = true;
    await using proxy = await startFaultProxy(server.endpoint, () => {
      const fault: Fault | undefined = isFirst ? { type: "trickle", bytesPerSecond: 1000 } : undefined;
      isFirst = false;
      return fault;
    });
    await using test = await createTestEngine(s3Secrets(server), {
      settings: { ...SETTINGS, stallTimeoutMs: 500, minBytesPerSecond: 4096 },
    });
    const target = join(directory.path, "loaded");
    const s3 = s3Location({ ...server, endpoint: proxy.endpoint }, "slow/small");
    await test.engine.load({ artifact: { name: "model", archive: { none: {} }, s3 }, target });
    expect((await readFile(target)).equals(SMALL)).toBe(true);
    const [, second] = proxy.seen;
    expect(Number(/=(\d+)-/.exec(second?.range ?? "")?.[1])).toBeGreaterThan(0);
    expect(test.spans.at(-1)?.events.slice(0, 1)).toMatchObject([
      { name: "retry", attributes: { "error.type": "transfer.stalled" } },
    ]);
  });
});

describe("the last range, when its connection is slow", () => {
  it.each([
    ["in order", { tar: {} } as const, ".tgz"],
    ["straight to its place", { none: {} } as const, ""],
  ])("is asked for a second time, and whichever is ahead brings it (%s)", async (_how, archive, suffix) => {
    await using directory = await temporaryDirectory();
    const key = `hedged/large${suffix}`;
    await save(directory, key, patternedBytes(9 * MIB), archive);
    let held = 0;
    const slowLast: FaultOf = ({ range = "" }) => {
      // Alive, and far above the floor: only in comparison with the others it is slow.
      if (!/=8388608-/.test(range) || held > 0) return undefined;
      held += 1;
      return { type: "trickle", bytesPerSecond: 100_000 };
    };
    await using proxy = await startFaultProxy(server.endpoint, slowLast);
    await using test = await createTestEngine(s3Secrets(server), {
      settings: { rangeBytes: MIB, partBytes: 5 * MIB },
    });
    const target = join(directory.path, "loaded");
    const s3 = s3Location({ ...server, endpoint: proxy.endpoint }, key);
    const report = await test.engine.load({ artifact: { name: "model", archive, s3 }, target });
    expect((await readFile(target)).equals(patternedBytes(9 * MIB))).toBe(true);
    const asked = proxy.seen
      .map(({ range = "" }) => Number(/=(\d+)-/.exec(range)?.[1]))
      .filter((from) => from >= 8 * MIB);
    expect(asked).toHaveLength(suffix === "" ? 2 : 3); // a tgz of random bytes is a little longer
    expect(report.retries).toBe(0);
  });
});
