import { execFileSync } from "node:child_process";
import { appendFileSync, rmSync, truncateSync } from "node:fs";
import { mkdir, readdir, readFile, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { TransferReport } from "../../packages/artifacts/src/index.ts";
import {
  createTestEngine,
  patternedBytes,
  s3Location,
  s3Secrets,
} from "../../packages/artifacts/src/test-support.ts";
import type { Artifact } from "../../packages/contract/src/index.ts";
import { createTracing } from "../../packages/telemetry/src/index.ts";
import { startFaultProxy } from "../support/fault-proxy.ts";
import { type S3Server, startS3Server } from "../support/s3-server.ts";
import { startSilentServer } from "../support/silent-server.ts";
import { type Bed, makeBed, OPERATIONS, REGION, requireNoUploads, withEngine } from "./operations.ts";

const MIB = 1024 * 1024;
const BIG = patternedBytes(11 * MIB);

let server: S3Server;

beforeAll(async () => {
  server = await startS3Server({ flags: ["--region", REGION] });
});

afterAll(() => server[Symbol.asyncDispose]());

/** A file system of so many bytes, mounted on `path`; undefined where this process may not mount. */
function mountSmall(path: string, bytes: number): AsyncDisposable | undefined {
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${bytes}`, "skein-test", path], { stdio: "pipe" });
  } catch {
    return undefined;
  }
  return { [Symbol.asyncDispose]: async () => void execFileSync("umount", ["-l", path]) };
}

describe("a disk that is full in the middle", () => {
  it.for(OPERATIONS.filter(({ direction }) => direction === "load"))(
    "fails a $name by name, says what to do, and keeps nothing on the disk",
    async (operation, context) => {
      await using bed = await makeBed(server);
      await operation.prepare(bed);
      await using disk = mountSmall(bed.path, 4 * MIB);
      if (!disk) {
        context.skip("needs a file system of its own, and this user may not mount one");
        return;
      }
      await withEngine(bed, operation.settings, async (test) => {
        const loading = operation.run(bed, test, { endpoint: server.endpoint, region: REGION });
        await expect(loading).rejects.toMatchObject({
          code: "disk.full",
          message: expect.stringContaining(bed.path),
          remedy: expect.stringMatching(/ephemeral storage|volume/),
        });
      });
      await operation.requireNothing(bed);
      const { blocks, bfree } = await statfs(bed.path);
      expect(blocks - bfree).toBeLessThan(16);
    },
  );
});

interface Saved {
  report?: TransferReport;
  error?: unknown;
  warnings: unknown[];
}

/** Saves `source`, and does something to it when the first part of it is about to be sent. */
async function saveWhile(
  bed: Bed,
  archive: NonNullable<Artifact["archive"]>,
  happens: (source: string) => void,
  { when = ({ url }: { url: string }): boolean => url.includes("?uploads"), requests = 32 } = {},
): Promise<Saved> {
  const source = join(bed.path, "source");
  let hasHappened = false;
  await using proxy = await startFaultProxy(server.endpoint, (request) => {
    if (hasHappened || !when(request)) return undefined;
    hasHappened = true;
    happens(source);
    return undefined;
  });
  return await withEngine(bed, { requests }, async ({ engine, records }) => {
    const at = { endpoint: proxy.endpoint, bucket: bed.bucket };
    const artifact = { name: "out", archive, s3: s3Location(at, "out", { region: REGION }) };
    const end = await engine.save({ artifact, source: { kind: "path", path: source } }).then(
      (report) => ({ report }),
      (error: unknown) => ({ error }),
    );
    if (!hasHappened) throw new Error("the first part was never sent", { cause: end });
    return { ...end, warnings: records.filter(({ level }) => level === "WARN").map(({ msg }) => msg) };
  });
}

/** A directory with a big file and a small one behind it. */
async function writeSource(bed: Bed): Promise<void> {
  await mkdir(join(bed.path, "source"));
  await writeFile(join(bed.path, "source", "a-big"), BIG);
  await writeFile(join(bed.path, "source", "b-small"), "small");
}

const object = (bed: Bed, key: string): string => join(server.root, bed.bucket, key);

async function requireNotSaved(bed: Bed): Promise<void> {
  await requireNoUploads(bed);
  await expect(stat(object(bed, "out"))).rejects.toThrow("ENOENT");
}

describe("a source file that is removed in the middle of a save", () => {
  it("fails an archive by name, and leaves nothing", async () => {
    await using bed = await makeBed(server);
    await writeSource(bed);
    const { error } = await saveWhile(bed, { tar: {} }, (source) => rmSync(join(source, "b-small")));
    expect(error).toMatchObject({
      code: "archive.source_changed",
      message: `${join(bed.path, "source/b-small")} was removed while it was being saved`,
    });
    await requireNotSaved(bed);
  });

  it("fails a directory by name, and what was saved before it is whole", async () => {
    await using bed = await makeBed(server);
    await writeSource(bed);
    const once = { when: ({ url }: { url: string }): boolean => url.includes("?uploads"), requests: 1 };
    const removed = (source: string): void => rmSync(join(source, "b-small"));
    const { error } = await saveWhile(bed, { none: {} }, removed, once);
    // Never `file.not_found`: what may be missing as a whole would be taken for missing, and some of it would be saved.
    expect(error).toMatchObject({
      code: "archive.source_changed",
      message: `${join(bed.path, "source/b-small")} was removed while it was being saved`,
    });
    await requireNoUploads(bed);
    const found = await readdir(object(bed, "out")).catch(() => []);
    for (const name of found) expect((await readFile(object(bed, `out/${name}`))).equals(BIG)).toBe(true);
  });

  it("does not matter for one that is open already", async () => {
    await using bed = await makeBed(server);
    await writeFile(join(bed.path, "source"), BIG);
    const { error } = await saveWhile(bed, { none: {} }, (source) => rmSync(source));
    expect(error).toBeUndefined();
    expect((await readFile(object(bed, "out"))).equals(BIG)).toBe(true);
  });
});

describe("a source file that changes in the middle of a save", () => {
  it.each([
    ["shrinks", { none: {} }, (path: string) => truncateSync(path, 8 * MIB)],
    ["shrinks", { tar: {} }, (path: string) => truncateSync(path, 8 * MIB)],
    ["grows", { tar: {} }, (path: string) => appendFileSync(path, "more")],
  ])("and %s (%j) fails the save by name and sizes, and leaves nothing", async (_how, archive, change) => {
    await using bed = await makeBed(server);
    await writeFile(join(bed.path, "source"), BIG);
    const { error } = await saveWhile(bed, archive, change);
    expect(error).toMatchObject({
      code: "archive.source_changed",
      message: expect.stringMatching(new RegExp(`source.*${BIG.byteLength}`)),
    });
    await requireNotSaved(bed);
  });

  it("and grows is saved as it was, with a warning that names it", async () => {
    await using bed = await makeBed(server);
    await writeFile(join(bed.path, "source"), BIG);
    const { error, warnings } = await saveWhile(bed, { none: {} }, (source) =>
      appendFileSync(source, "more"),
    );
    expect(error).toBeUndefined();
    expect((await readFile(object(bed, "out"))).equals(BIG)).toBe(true);
    expect(warnings).toEqual([
      expect.stringContaining(`source grew from ${BIG.byteLength} to ${BIG.byteLength + 4} bytes`),
    ]);
  });
});

describe("a collector that is dead", () => {
  it.each(["http/protobuf", "grpc"])(
    "holds up no transfer, and its end by two seconds (%s)",
    async (protocol) => {
      await using bed = await makeBed(server);
      await writeFile(join(bed.path, "source"), BIG);
      const env = {
        OTEL_EXPORTER_OTLP_ENDPOINT: `http://${await startSilentServer()}`,
        OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      };
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value);
      const tracing = await createTracing({ env, resource: { version: "0" } });
      vi.unstubAllEnvs();
      expect(tracing.level).not.toBe("off");
      await using test = await createTestEngine(s3Secrets(server), { tracing });
      const artifact = {
        name: "data",
        archive: { none: {} },
        s3: s3Location({ endpoint: server.endpoint, bucket: bed.bucket }, "out", { region: REGION }),
      };
      await test.engine.save({ artifact, source: { kind: "path", path: join(bed.path, "source") } });
      await rm(join(bed.path, "source"));
      await test.engine.load({ artifact, target: join(bed.path, "loaded") });
      expect((await readFile(join(bed.path, "loaded"))).equals(BIG)).toBe(true);
      const startMs = performance.now();
      await tracing.shutdown();
      expect(performance.now() - startMs).toBeLessThan(3500); // 2 s, and what a busy machine takes
    },
  );
});
