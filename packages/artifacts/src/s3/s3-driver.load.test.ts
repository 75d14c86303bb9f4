import { readdir, readFile, stat, symlink } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { ArtifactError, isNotFound } from "@skein/contract";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Fault, SeenRequest } from "../../../../test/support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import type { ArtifactDriver } from "../driver.ts";
import {
  collect,
  connectorTo,
  type ObservedTransfer,
  observedTransfer,
  patternedBytes,
  s3DriverThrough,
  s3Location,
  temporaryDirectory,
} from "../test-support.ts";
import type { S3DriverOptions } from "./s3-driver.ts";

const MIB = 1024 * 1024;
const LARGE = patternedBytes(5 * MIB + 123);

/** Keeps a megabyte of numbers out of a failure's message. */
const isLarge = (bytes: Buffer): boolean => LARGE.equals(bytes);

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
  await using connector = connectorTo(server);
  const { transfer } = observedTransfer();
  const store = await connector.connect(s3Location(server, ""), transfer);
  const put = (key: string, body: string | Buffer): Promise<void> =>
    store.put(key, Buffer.from(body), { signal: transfer.signal, contentType: "text/plain" });
  await put("large.bin", LARGE);
  await put("small.txt", "hello");
  await put("empty", "");
  await put("tree/a.txt", "a");
  await put("tree/deep/er/b.bin", LARGE);
  await put("tree/empty", "");
  await put("tree/hollow/", "");
});

afterAll(() => server[Symbol.asyncDispose]());

const driverFor = (
  key: string,
  fault?: (request: SeenRequest, index: number) => Fault | undefined,
  options?: Partial<S3DriverOptions> & { endpoint?: string },
) => s3DriverThrough(server, key, fault, options);

async function read(driver: ArtifactDriver, observed: ObservedTransfer): Promise<Buffer> {
  const content = await driver.open(observed.transfer);
  if (content.kind !== "stream") throw new Error("expected one object");
  return collect(content.stream);
}

describe("loading one object", () => {
  it("puts the ranges together in order, all of the same version", async () => {
    await using s3 = await driverFor("large.bin");
    const observed = observedTransfer();
    expect(await read(s3.driver, observed)).toSatisfy(isLarge);
    expect(s3.proxy.seen.map((request) => request.range).sort()).toEqual([
      "bytes=0-1048575",
      "bytes=1048576-2097151",
      "bytes=2097152-3145727",
      "bytes=3145728-4194303",
      "bytes=4194304-5242879",
      "bytes=5242880-5243002",
    ]);
    const [first, ...others] = s3.proxy.seen;
    expect(first?.ifMatch).toBeUndefined();
    expect(new Set(others.map((request) => request.ifMatch)).size).toBe(1);
    expect(others[0]?.ifMatch).toMatch(/^".+"$/);
    expect(observed.transfer.tally).toMatchObject({ bytes: LARGE.byteLength, retries: 0 });
    expect(observed.transfer.tally.streams).toBeGreaterThan(1);
    expect(observed.transfer.memory.free).toBe(observed.transfer.memory.capacity);
  });

  it("asks once for an object that fits into a range", async () => {
    await using s3 = await driverFor("small.txt");
    expect((await read(s3.driver, observedTransfer())).toString()).toBe("hello");
    expect(s3.proxy.seen).toHaveLength(1);
  });

  it("loads an empty object, of which no range can be had", async () => {
    await using s3 = await driverFor("empty");
    expect(await read(s3.driver, observedTransfer())).toEqual(Buffer.alloc(0));
  });

  it("takes up a broken range at the byte it had reached", async () => {
    await using s3 = await driverFor("large.bin", (request, index) =>
      index > 0 && request.range === "bytes=1048576-2097151"
        ? { type: "reset", afterBytes: 700_000 }
        : undefined,
    );
    const observed = observedTransfer();
    expect(await read(s3.driver, observed)).toSatisfy(isLarge);
    expect(observed.transfer.tally.bytes).toBe(LARGE.byteLength);
    expect(observed.retries).toMatchObject([{ code: "transfer.interrupted", attempt: 1 }]);
    const resumed = s3.proxy.seen.filter((request) => request.range?.endsWith("-2097151"));
    expect(resumed).toHaveLength(2);
    const from = Number(/=(\d+)-/.exec(resumed[1]?.range ?? "")?.[1]);
    expect(from).toBeGreaterThan(1_048_576);
    expect(from).toBeLessThanOrEqual(1_048_576 + 700_000);
  });

  it("does not take a body that ends early for the whole", async () => {
    let broken = 0;
    await using s3 = await driverFor("large.bin", (request) =>
      request.range === "bytes=0-1048575" && broken++ === 0 ? { type: "short", afterBytes: 1000 } : undefined,
    );
    const observed = observedTransfer();
    expect(await read(s3.driver, observed)).toSatisfy(isLarge);
    expect(observed.retries).toMatchObject([{ code: "transfer.interrupted" }]);
  });

  it.each([0, 300_000])("leaves a connection that delivers nothing after %i bytes", async (afterBytes) => {
    let stalled = 0;
    await using s3 = await driverFor(
      "large.bin",
      (request) =>
        request.range === "bytes=2097152-3145727" && stalled++ === 0
          ? { type: "stall", afterBytes }
          : undefined,
      { stallTimeoutMs: 400 },
    );
    const observed = observedTransfer();
    expect(await read(s3.driver, observed)).toSatisfy(isLarge);
    // On a busy machine another connection may seem to deliver nothing, too.
    expect(observed.retries.length).toBeGreaterThan(0);
    expect(new Set(observed.retries.map((note) => note.code))).toEqual(new Set(["transfer.stalled"]));
    expect(observed.transfer.tally.stalledMs).toBe(400 * observed.retries.length);
  });

  it("waits and tries again when the store asks for less", async () => {
    await using s3 = await driverFor("small.txt", (_request, index) =>
      index < 3 ? { type: "answer", status: 503, code: "SlowDown" } : undefined,
    );
    const observed = observedTransfer();
    expect((await read(s3.driver, observed)).toString()).toBe("hello");
    expect(observed.retries.map((note) => note.code)).toEqual([
      "s3.slow_down",
      "s3.slow_down",
      "s3.slow_down",
    ]);
    expect(observed.transfer.tally.throttledMs).toBeGreaterThan(0);
  });

  it("never mixes two versions of an object", async () => {
    await using s3 = await driverFor("large.bin", (request) =>
      request.ifMatch ? { type: "answer", status: 412, code: "PreconditionFailed" } : undefined,
    );
    await expect(read(s3.driver, observedTransfer())).rejects.toMatchObject({
      code: "s3.changed_while_reading",
    });
  });

  it("accepts a store that ignores ranges", async () => {
    const plain = createServer((_request, response) => {
      response.writeHead(200, { "content-length": LARGE.byteLength, etag: '"1"' }).end(LARGE);
    });
    await new Promise<void>((resolve) => plain.listen(0, "127.0.0.1", resolve));
    const endpoint = `127.0.0.1:${(plain.address() as AddressInfo).port}`;
    await using s3 = await driverFor("large.bin", undefined, { endpoint });
    expect(await read(s3.driver, observedTransfer())).toSatisfy(isLarge);
    plain.closeAllConnections();
    await new Promise((resolve) => plain.close(resolve));
  });

  it("asks no store for a match with a weak ETag, which nothing matches", async () => {
    const weak = createServer(({ headers }, response) => {
      if (headers["if-match"] !== undefined) return response.writeHead(412).end();
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "") ?? [];
      const body = LARGE.subarray(Number(from), Number(to) + 1);
      const range = `bytes ${from}-${Number(from) + body.byteLength - 1}/${LARGE.byteLength}`;
      response.writeHead(206, {
        "content-length": body.byteLength,
        "content-range": range,
        etag: 'W/"1"',
      });
      return response.end(body);
    });
    await new Promise<void>((resolve) => weak.listen(0, "127.0.0.1", resolve));
    const endpoint = `127.0.0.1:${(weak.address() as AddressInfo).port}`;
    await using s3 = await driverFor("large.bin", undefined, { endpoint });
    expect(await read(s3.driver, observedTransfer())).toSatisfy(isLarge);
    weak.closeAllConnections();
    await new Promise((resolve) => weak.close(resolve));
  });

  it("stops all connections when the signal says so", async () => {
    await using s3 = await driverFor("large.bin", () => ({ type: "stall", afterBytes: 1000 }));
    const controller = new AbortController();
    const observed = observedTransfer({ signal: controller.signal });
    const content = await s3.driver.open(observed.transfer);
    if (content.kind !== "stream") throw new Error("expected one object");
    const reading = collect(content.stream);
    controller.abort(new ArtifactError("deadline", { code: "transfer.aborted" }));
    await expect(reading).rejects.toThrow("deadline");
    expect(observed.transfer.memory.free).toBe(observed.transfer.memory.capacity);
  });

  it("ends when its consumer does, although a connection waits for it", async () => {
    // Ranges longer than what a connection may run ahead, as they are by default.
    await using s3 = await driverFor("large.bin", undefined, { rangeBytes: 4 * MIB });
    const { transfer } = observedTransfer();
    const content = await s3.driver.open(transfer);
    if (content.kind !== "stream") throw new Error("expected one object");
    const chunks = content.stream[Symbol.asyncIterator]();
    await chunks.next();
    for (let seen = -1; seen < transfer.tally.bytes; await delay(50)) seen = transfer.tally.bytes;
    expect(transfer.tally.bytes).toBeLessThan(LARGE.byteLength);
    await chunks.return?.();
    expect(transfer.memory.free).toBe(transfer.memory.capacity);
  });

  it.each<[string, Fault, string, RegExp]>([
    [
      "a refusal",
      { type: "answer", status: 403, code: "AccessDenied" },
      "s3.access_denied",
      /s3:GetObject on s3:\/\/artifacts\/small\.txt to static keys of secret "s3"/,
    ],
    [
      "bad keys",
      { type: "answer", status: 403, code: "SignatureDoesNotMatch" },
      "s3.invalid_credentials",
      /check static keys of secret "s3"/,
    ],
    [
      "a missing bucket",
      { type: "answer", status: 404, code: "NoSuchBucket" },
      "s3.no_such_bucket",
      /create the bucket "artifacts"/,
    ],
  ])("explains %s and does not repeat it", async (_name, fault, code, remedy) => {
    await using s3 = await driverFor("small.txt", () => fault);
    const error: unknown = await read(s3.driver, observedTransfer()).catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code,
      message: expect.stringContaining(`GetObject s3://artifacts/small.txt at http://${s3.proxy.endpoint}`),
      remedy: expect.stringMatching(remedy),
    });
    expect(s3.proxy.seen).toHaveLength(1);
    expect(JSON.stringify(error)).not.toContain(server.secretKey);
  });

  it("says not found when there is neither an object nor anything below the key", async () => {
    await using s3 = await driverFor("nowhere/at/all");
    const error: unknown = await s3.driver
      .open(observedTransfer().transfer)
      .catch((reason: unknown) => reason);
    expect(isNotFound(error)).toBe(true);
    expect(error).toMatchObject({ message: expect.stringContaining("s3://artifacts/nowhere/at/all") });
  });

  it("gives up on a port where nobody listens, in the end", async () => {
    await using s3 = await driverFor("small.txt");
    await s3.proxy[Symbol.asyncDispose]();
    const policy = { baseDelayMs: 1, factor: 1, maxDelayMs: 1, budgetMs: 20 };
    await expect(s3.driver.open(observedTransfer({ policy }).transfer)).rejects.toMatchObject({
      code: "network.unreachable",
      message: expect.stringMatching(/ECONNREFUSED.*gave up after/),
    });
  });
});

describe("loading a directory", () => {
  it("loads every object below the key, and empty directories", async () => {
    await using s3 = await driverFor("tree");
    await using target = await temporaryDirectory();
    const observed = observedTransfer();
    const content = await s3.driver.open(observed.transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    await content.loadInto(target.path);
    expect(await readFile(join(target.path, "a.txt"), "utf8")).toBe("a");
    expect(await readFile(join(target.path, "deep/er/b.bin"))).toSatisfy(isLarge);
    expect((await stat(join(target.path, "empty"))).size).toBe(0);
    expect(await readdir(join(target.path, "hollow"))).toEqual([]);
    expect(observed.files.map(({ file, sizeBytes }) => [file, sizeBytes]).sort()).toEqual([
      ["a.txt", 1],
      ["deep/er/b.bin", LARGE.byteLength],
      ["empty", 0],
    ]);
    expect(observed.transfer.tally).toMatchObject({ files: 3, unpackedBytes: LARGE.byteLength + 1 });
  });

  it("does not write through a link that is in the way", async () => {
    await using s3 = await driverFor("tree");
    await using target = await temporaryDirectory();
    await using outside = await temporaryDirectory();
    await symlink(join(outside.path, "stolen"), join(target.path, "a.txt"));
    const content = await s3.driver.open(observedTransfer().transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    await expect(content.loadInto(target.path)).rejects.toMatchObject({ code: "s3.key_escape" });
    expect(await readdir(outside.path)).toEqual([]);
  });

  it("names the object that could not be read", async () => {
    await using s3 = await driverFor("tree", (request) =>
      request.url.includes("b.bin") ? { type: "answer", status: 403, code: "AccessDenied" } : undefined,
    );
    await using target = await temporaryDirectory();
    const observed = observedTransfer();
    const content = await s3.driver.open(observed.transfer);
    if (content.kind !== "directory") throw new Error("expected a directory");
    await expect(content.loadInto(target.path)).rejects.toThrow("s3://artifacts/tree/deep/er/b.bin");
    expect(observed.files.filter((file) => file.error)).toMatchObject([{ file: "deep/er/b.bin" }]);
  });
});

describe("looking at what is there", () => {
  it("lists keys, knows directories and sizes", async () => {
    await using tree = await driverFor("tree");
    await using large = await driverFor("large.bin");
    const { transfer } = observedTransfer();
    expect(await tree.driver.listObjects?.(transfer)).toEqual([
      "tree/a.txt",
      "tree/deep/er/b.bin",
      "tree/empty",
    ]);
    expect(await large.driver.listObjects?.(transfer)).toEqual([]);
    expect(await tree.driver.isDirectory?.(transfer)).toBe(true);
    expect(await large.driver.isDirectory?.(transfer)).toBe(false);
    expect(await large.driver.stat?.(transfer)).toMatchObject({ sizeBytes: LARGE.byteLength });
    expect(await tree.driver.stat?.(transfer)).toBeUndefined();
  });
});
