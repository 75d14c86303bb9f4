import { rmSync, truncateSync } from "node:fs";
import { mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { SourceTree } from "@skein/archive";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type S3Server, startS3Server } from "../../../../test/support/s3-server.ts";
import type { StreamToSave } from "../driver.ts";
import {
  collect,
  connectorTo,
  observedTransfer,
  patternedBytes,
  s3DriverThrough,
  s3Location,
  temporaryDirectory,
} from "../test-support.ts";
import { walkDirectory } from "../walk-directory.ts";

const MIB = 1024 * 1024;
const LARGE = patternedBytes(11 * MIB + 123);
const isLarge = (bytes: Buffer): boolean => LARGE.equals(bytes);

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server();
});

afterAll(() => server[Symbol.asyncDispose]());

function streamOf(bytes: Buffer, known: Pick<StreamToSave, "sizeBytes"> = {}): StreamToSave {
  return {
    fileName: "out.tgz",
    ...known,
    async *open() {
      for (let offset = 0; offset < bytes.byteLength; offset += 100_000) {
        yield bytes.subarray(offset, offset + 100_000);
      }
    },
  };
}

const walk = (path: string) => walkDirectory(new SourceTree(path), { enter() {}, leave() {} });

const saved = (key: string): Promise<Buffer> => readFile(join(server.root, server.bucket, key));

/** The multipart uploads that were begun and neither completed nor aborted. */
async function leftovers(): Promise<string[]> {
  const uploads = join(server.root, server.bucket, ".sgwtmp", "multipart");
  const names = await readdir(uploads, { recursive: true }).catch(() => []);
  return names.filter((name) => name.includes("/"));
}

describe("saving a stream", () => {
  it("sends what fits into a part in one request", async () => {
    await using s3 = await s3DriverThrough(server, "one/request.tgz");
    await s3.driver.saveStream?.(streamOf(Buffer.from("hello")), observedTransfer().transfer);
    expect((await saved("one/request.tgz")).toString()).toBe("hello");
    expect(s3.proxy.seen).toMatchObject([{ method: "PUT", contentType: "application/gzip" }]);
  });

  it("sends a stream of unknown length in parts, several at once", async () => {
    await using s3 = await s3DriverThrough(server, "parts.tgz");
    const { transfer } = observedTransfer();
    await s3.driver.saveStream?.(streamOf(LARGE), transfer);
    expect(await saved("parts.tgz")).toSatisfy(isLarge);
    expect(s3.proxy.seen.map((request) => request.method)).toEqual(["POST", "PUT", "PUT", "PUT", "POST"]);
    expect(transfer.tally.bytes).toBe(LARGE.byteLength);
    expect(transfer.tally.streams).toBeGreaterThan(1);
    expect(transfer.memory.free).toBe(transfer.memory.capacity);
  });

  it("saves nothing as an empty object", async () => {
    await using s3 = await s3DriverThrough(server, "nothing");
    await s3.driver.saveStream?.(streamOf(Buffer.alloc(0), { sizeBytes: 0 }), observedTransfer().transfer);
    expect((await stat(join(server.root, server.bucket, "nothing"))).size).toBe(0);
  });

  it("sends again only the part that failed", async () => {
    let failures = 0;
    await using s3 = await s3DriverThrough(server, "again.tgz", (request) =>
      request.url.includes("partNumber=2") && failures++ < 2
        ? { type: "answer", status: 500, code: "InternalError" }
        : undefined,
    );
    const observed = observedTransfer();
    await s3.driver.saveStream?.(streamOf(LARGE), observed.transfer);
    expect(await saved("again.tgz")).toSatisfy(isLarge);
    expect(observed.retries.map((note) => note.code)).toEqual(["s3.server_error", "s3.server_error"]);
    expect(s3.proxy.seen.filter((request) => request.url.includes("partNumber=1"))).toHaveLength(1);
    expect(observed.transfer.tally.bytes).toBe(LARGE.byteLength);
  });

  it("adds a digest for buckets that ask for one", async () => {
    const message = "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Part requests";
    await using s3 = await s3DriverThrough(server, "locked.tgz", (request) =>
      request.method === "PUT" && !request.contentMd5
        ? { type: "answer", status: 400, code: "InvalidRequest", message }
        : undefined,
    );
    const observed = observedTransfer();
    await s3.driver.saveStream?.(streamOf(LARGE), observed.transfer);
    expect(await saved("locked.tgz")).toSatisfy(isLarge);
    expect(observed.retries).toEqual([]);
    await s3.driver.saveStream?.(streamOf(Buffer.from("x")), observed.transfer);
    expect(s3.proxy.seen.at(-1)?.contentMd5).toBe("ndTkYSaMgDT1yFZOFVxnpg==");
  });

  it("leaves nothing behind when a part cannot be sent", async () => {
    await using s3 = await s3DriverThrough(server, "given/up.tgz", (request) =>
      request.url.includes("partNumber=2")
        ? { type: "answer", status: 403, code: "AccessDenied" }
        : undefined,
    );
    const { transfer } = observedTransfer();
    await expect(s3.driver.saveStream?.(streamOf(LARGE), transfer)).rejects.toMatchObject({
      code: "s3.access_denied",
      message: expect.stringContaining("UploadPart s3://artifacts/given/up.tgz"),
    });
    await expect(saved("given/up.tgz")).rejects.toThrow("ENOENT");
    expect(s3.proxy.seen.at(-1)?.method).toBe("DELETE");
    expect(await leftovers()).toEqual([]);
    expect(transfer.memory.free).toBe(transfer.memory.capacity);
  });

  it("begins anew when the answer to its beginning is lost, and ends no upload that may be another's", async () => {
    let isLost = false;
    await using s3 = await s3DriverThrough(server, "lost/beginning", (request) => {
      if (isLost || !request.url.includes("?uploads")) return undefined;
      isLost = true;
      return { type: "lost" };
    });
    const { transfer } = observedTransfer();
    await using connector = connectorTo(server);
    const store = await connector.connect(s3Location(server, ""), transfer);
    const another = await store.createUpload("lost/beginning", { signal: transfer.signal, contentType: "x" });
    await s3.driver.saveStream?.(streamOf(LARGE), transfer);
    expect(await saved("lost/beginning")).toSatisfy(isLarge);
    const left = await leftovers();
    // The one whose answer was lost has no part: it takes no room, and goes when the bucket's own rule says so.
    const uploads = left.filter((name) => name.split("/").length === 2);
    expect(uploads.some((name) => name.endsWith(another))).toBe(true);
    expect(uploads).toHaveLength(2);
    expect(left.filter((name) => /\/\d+$/.test(name))).toEqual([]);
    for (const name of uploads) await store.abortUpload("lost/beginning", name.split("/")[1] ?? "");
    expect(await leftovers()).toEqual([]);
  });

  it("leaves nothing behind when the source breaks", async () => {
    await using s3 = await s3DriverThrough(server, "broken/source.tgz");
    const source: StreamToSave = {
      fileName: "x",
      async *open() {
        yield LARGE;
        throw new Error("the disk is gone");
      },
    };
    await expect(s3.driver.saveStream?.(source, observedTransfer().transfer)).rejects.toThrow(
      "the disk is gone",
    );
    await expect(saved("broken/source.tgz")).rejects.toThrow("ENOENT");
    expect(await leftovers()).toEqual([]);
  });

  it("makes the bucket only when it is missing and wanted", async () => {
    const at = { bucket: "brand-new" };
    await using without = await s3DriverThrough(server, "key", undefined, { at });
    const { transfer } = observedTransfer();
    await expect(without.driver.saveStream?.(streamOf(LARGE), transfer)).rejects.toMatchObject({
      code: "s3.no_such_bucket",
    });
    await using wanted = await s3DriverThrough(server, "key", undefined, {
      at: { ...at, createBucketIfNotPresent: {} },
    });
    await wanted.driver.saveStream?.(streamOf(LARGE), transfer);
    await wanted.driver.saveStream?.(streamOf(Buffer.from("second")), transfer);
    expect((await readFile(join(server.root, "brand-new", "key"))).toString()).toBe("second");
    const made = wanted.proxy.seen.filter(({ method, url }) => method === "PUT" && !url.includes("/key"));
    expect(made).toHaveLength(1);
  });
});

describe("saving a directory", () => {
  it("saves every file as an object, and empty directories as markers", async () => {
    await using source = await temporaryDirectory();
    await mkdir(join(source.path, "deep/er"), { recursive: true });
    await mkdir(join(source.path, "hollow"));
    await writeFile(join(source.path, "a.txt"), "a");
    await writeFile(join(source.path, "deep/er/b.bin"), LARGE);
    await writeFile(join(source.path, "deep/empty"), "");
    await symlink("a.txt", join(source.path, "link"));
    await using s3 = await s3DriverThrough(server, "saved/tree");
    const observed = observedTransfer();
    await s3.driver.saveDirectory?.(walk(source.path), observed.transfer);
    expect((await saved("saved/tree/a.txt")).toString()).toBe("a");
    expect(await saved("saved/tree/deep/er/b.bin")).toSatisfy(isLarge);
    expect((await stat(join(server.root, server.bucket, "saved/tree/hollow"))).isDirectory()).toBe(true);
    expect(observed.files.map(({ file }) => file).sort()).toEqual(["a.txt", "deep/empty", "deep/er/b.bin"]);
    expect(observed.warnings).toEqual(["left out what an object store cannot hold: link (symbolic link)"]);
  });

  it("fails when a directory goes away before it is read", async () => {
    await using source = await temporaryDirectory();
    await writeFile(join(source.path, "a"), "x");
    await mkdir(join(source.path, "b"));
    await using s3 = await s3DriverThrough(server, "unreadable");
    const members = function* () {
      for (const member of walk(source.path)) {
        rmSync(join(source.path, "b"), { recursive: true });
        yield member;
      }
    };
    await expect(s3.driver.saveDirectory?.(members(), observedTransfer().transfer)).rejects.toMatchObject({
      code: "archive.source_changed",
      message: `${join(source.path, "b")} was removed while it was being saved`,
    });
  });

  it("fails when a file gets shorter while it is read", async () => {
    await using source = await temporaryDirectory();
    const path = join(source.path, "shrinking");
    await writeFile(path, LARGE);
    await using s3 = await s3DriverThrough(server, "shrinking", (request) => {
      if (request.url.includes("?uploads")) truncateSync(path, 6 * MIB);
      return undefined;
    });
    const { transfer } = observedTransfer();
    await expect(s3.driver.saveDirectory?.(walk(source.path), transfer)).rejects.toMatchObject({
      code: "archive.source_changed",
      message: expect.stringContaining(path),
    });
    expect(await leftovers()).toEqual([]);
  });
});

describe("deleting", () => {
  it("removes the object, or everything below the key, and does not mind what is missing", async () => {
    await using source = await temporaryDirectory();
    for (let index = 0; index < 30; index++) await writeFile(join(source.path, `f${index}`), "x");
    await using tree = await s3DriverThrough(server, "doomed");
    await using neighbour = await s3DriverThrough(server, "doomed-not");
    const { transfer } = observedTransfer();
    await tree.driver.saveDirectory?.(walk(source.path), transfer);
    await neighbour.driver.saveStream?.(streamOf(Buffer.from("stays")), transfer);
    await tree.driver.delete?.(transfer);
    expect(await tree.driver.isDirectory?.(transfer)).toBe(false);
    await tree.driver.delete?.(transfer);
    expect((await saved("doomed-not")).toString()).toBe("stays");
  });
});

describe("connections", () => {
  it("are shared by artifacts that are reached the same way", async () => {
    await using connector = connectorTo(server);
    const { transfer } = observedTransfer();
    const one = await connector.connect(s3Location(server, "shared/one"), transfer);
    const two = await connector.connect(s3Location(server, "shared/two"), transfer);
    const put = { signal: transfer.signal, contentType: "text/plain" };
    await one.put("shared/one", Buffer.from("1"), put);
    const answer = await two.get("shared/one", { signal: transfer.signal });
    expect((await collect(answer.body)).toString()).toBe("1");
    expect(transfer.clock.read().credentials).toBeGreaterThan(0);
  });
});
