import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TransferReport } from "../../packages/artifacts/src/index.ts";
import {
  createTestEngine,
  patternedBytes,
  s3Location,
  s3Secrets,
  type TestEngine,
} from "../../packages/artifacts/src/test-support.ts";
import type { Artifact } from "../../packages/contract/src/index.ts";
import type { SeenRequest } from "../support/fault-proxy.ts";
import type { S3Server } from "../support/s3-server.ts";

const MIB = 1024 * 1024;
export const PART_BYTES = 5 * MIB;
/** The real server's, and what the locations name unless a fault is about regions. */
export const REGION = "eu-west-1";

const LARGE = patternedBytes(11 * MIB + 123);
const SMALL = patternedBytes(100_000);
const TREE: Readonly<Record<string, Buffer>> = {
  "a.txt": Buffer.from("a"),
  "deep/b.bin": patternedBytes(6 * MIB + 7),
  "deep/c.txt": SMALL,
  "deep/er/d.txt": Buffer.from("d"),
  "e.txt": Buffer.alloc(0),
};

type Archive = NonNullable<Artifact["archive"]>;
type Settings = NonNullable<Parameters<typeof createTestEngine>[1]>["settings"];

/** One bucket and one directory of a case's own. */
export interface Bed extends AsyncDisposable {
  server: S3Server;
  bucket: string;
  /** What is loaded comes here, and what is saved comes from here. */
  path: string;
}

/** @param parent where the directory is made */
export async function makeBed(server: S3Server, parent = tmpdir()): Promise<Bed> {
  const path = await mkdtemp(join(parent, "skein-fault-"));
  const bucket = path.slice(-6).toLowerCase().padStart(20, "case-bucket-of-");
  await mkdir(join(server.root, bucket));
  return { server, bucket, path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) };
}

/** What an executor does with a store, in the smallest form that has all its kinds of requests. */
export interface Operation {
  name: string;
  direction: "load" | "save";
  settings: Settings;
  /** Makes what is there before anything goes wrong. */
  prepare(bed: Bed): Promise<void>;
  run(bed: Bed, test: TestEngine, at: { endpoint: string; region?: string }): Promise<TransferReport>;
  /** The one request that a fault in the middle of the bytes is put on. */
  isMiddle(request: SeenRequest): boolean;
  /** The last byte of what {@link isMiddle} asks for, for loads. */
  middleEnd?: string;
  /** Whether a request carries bytes of objects. */
  carries(request: SeenRequest): boolean;
  /** The key errors are to name. */
  failingKey: string;
  /** Bytes of all objects. */
  sizeBytes: number;
  /** Throws unless everything has arrived, and is what it was. */
  requireWhole(bed: Bed): Promise<void>;
  /** Throws if anything is left that could be taken for the whole. */
  requireNothing(bed: Bed): Promise<void>;
}

export async function withEngine<T>(
  { server }: Bed,
  settings: Settings,
  work: (test: TestEngine) => Promise<T>,
): Promise<T> {
  await using test = await createTestEngine(s3Secrets(server), {
    settings: { partBytes: PART_BYTES, ...settings },
  });
  return work(test);
}

function artifact(
  { server, bucket }: Bed,
  key: string,
  archive: Archive,
  at: { endpoint: string; region?: string } = { endpoint: server.endpoint, region: REGION },
): Artifact {
  return {
    name: "data",
    archive,
    s3: s3Location({ ...at, bucket }, key, at.region ? { region: at.region } : {}),
  };
}

/** Puts what is at `source` into the bucket without any proxy. */
async function put(bed: Bed, key: string, archive: Archive, source: string): Promise<void> {
  await withEngine(bed, {}, ({ engine }) =>
    engine.save({ artifact: artifact(bed, key, archive), source: { kind: "path", path: source } }),
  );
}

async function writeTree(root: string): Promise<void> {
  for (const [name, bytes] of Object.entries(TREE)) {
    await mkdir(join(root, name, ".."), { recursive: true });
    await writeFile(join(root, name), bytes);
  }
  await mkdir(join(root, "hollow"));
}

function same(found: Buffer, wanted: Buffer, what: string): void {
  if (!found.equals(wanted)) throw new Error(`${what} is not what was saved: ${found.byteLength} bytes`);
}

async function requireTree(root: string): Promise<void> {
  for (const [name, bytes] of Object.entries(TREE)) same(await readFile(join(root, name)), bytes, name);
  if (!(await stat(join(root, "hollow"))).isDirectory()) throw new Error("the empty directory is missing");
}

async function requireEmpty(directory: string): Promise<void> {
  const left = await readdir(directory).catch(() => []);
  if (left.length > 0) throw new Error(`left in ${directory}: ${left.join(", ")}`);
}

/** The multipart uploads that were begun and neither completed nor aborted. */
export async function requireNoUploads({ server, bucket }: Bed): Promise<void> {
  const uploads = join(server.root, bucket, ".sgwtmp", "multipart");
  const names = await readdir(uploads, { recursive: true }).catch(() => []);
  const left = names.filter((name) => name.includes("/"));
  if (left.length > 0) throw new Error(`unfinished uploads: ${left.join(", ")}`);
}

const partNumber =
  (number: number) =>
  ({ method, url }: SeenRequest): boolean =>
    method === "PUT" && url.includes(`partNumber=${number}&`);
const isGet = ({ method, url }: SeenRequest): boolean => method === "GET" && !url.includes("list-type");
const isPut = ({ method }: SeenRequest): boolean => method === "PUT";

function loading(
  name: string,
  archive: Archive,
  more: Pick<Operation, "settings" | "isMiddle" | "middleEnd" | "failingKey" | "sizeBytes"> & {
    key: string;
    source: (path: string) => Promise<void>;
    requireWhole: (target: string) => Promise<void>;
  },
): Operation {
  const { key, source, requireWhole } = more;
  return {
    ...more,
    name,
    direction: "load",
    carries: isGet,
    async prepare(bed) {
      const path = join(bed.path, "source");
      await source(path);
      await put(bed, key, archive, path);
      await rm(path, { recursive: true });
    },
    run: (bed, { engine }, at) =>
      engine.load({ artifact: artifact(bed, key, archive, at), target: join(bed.path, "loaded") }),
    requireWhole: ({ path }) => requireWhole(join(path, "loaded")),
    requireNothing: ({ path }) => requireEmpty(path),
  };
}

function saving(
  name: string,
  archive: Archive,
  more: Pick<Operation, "isMiddle" | "failingKey" | "sizeBytes"> & {
    key: string;
    source: (path: string) => Promise<void>;
    requireWhole: (target: string) => Promise<void>;
    requireNothing?: (bed: Bed) => Promise<void>;
  },
): Operation {
  const { key, source, requireWhole, requireNothing } = more;
  return {
    ...more,
    name,
    direction: "save",
    settings: {},
    carries: isPut,
    prepare: ({ path }) => source(join(path, "source")),
    run: (bed, { engine }, at) =>
      engine.save({
        artifact: artifact(bed, key, archive, at),
        source: { kind: "path", path: join(bed.path, "source") },
      }),
    async requireWhole(bed) {
      await requireNoUploads(bed);
      const target = join(bed.path, "loaded");
      await withEngine(bed, {}, ({ engine }) =>
        engine.load({ artifact: artifact(bed, key, archive), target }),
      );
      await requireWhole(target);
    },
    async requireNothing(bed) {
      await requireNoUploads(bed);
      if (requireNothing) await requireNothing(bed);
      else await requireMissing(bed, key);
    },
  };
}

async function requireMissing({ server, bucket }: Bed, key: string): Promise<void> {
  const found = await stat(join(server.root, bucket, key)).catch(() => undefined);
  if (found) throw new Error(`half an object is visible: ${key}, ${found.size} bytes`);
}

const writeLarge = (path: string): Promise<void> => writeFile(path, LARGE);
const requireLarge = async (path: string): Promise<void> => same(await readFile(path), LARGE, path);

export const OPERATIONS: readonly Operation[] = [
  loading(
    "load of a file",
    { none: {} },
    {
      key: "in/file",
      source: writeLarge,
      // As it was cut when it was saved: so every range goes straight to its place.
      settings: { rangeBytes: PART_BYTES },
      isMiddle: ({ range }) => range?.startsWith(`bytes=${PART_BYTES}-`) ?? false,
      middleEnd: `-${2 * PART_BYTES - 1}`,
      failingKey: "in/file",
      sizeBytes: LARGE.byteLength,
      requireWhole: requireLarge,
    },
  ),
  loading(
    "load of a directory",
    { none: {} },
    {
      key: "in/tree",
      source: writeTree,
      settings: { rangeBytes: MIB },
      isMiddle: ({ range, url }) =>
        url.includes("b.bin") && (range?.startsWith(`bytes=${2 * MIB}-`) ?? false),
      middleEnd: `-${3 * MIB - 1}`,
      failingKey: "in/tree/deep/b.bin",
      sizeBytes: Object.values(TREE).reduce((sum, { byteLength }) => sum + byteLength, 0),
      requireWhole: requireTree,
    },
  ),
  loading(
    "load and unpacking of an archive",
    { tar: {} },
    {
      key: "in/file.tgz",
      source: writeLarge,
      settings: { rangeBytes: MIB },
      isMiddle: ({ range }) => range?.startsWith(`bytes=${2 * MIB}-`) ?? false,
      middleEnd: `-${3 * MIB - 1}`,
      failingKey: "in/file.tgz",
      sizeBytes: LARGE.byteLength + 10_000,
      requireWhole: requireLarge,
    },
  ),
  saving(
    "save of an archive in parts",
    { tar: {} },
    {
      key: "out/file.tgz",
      source: writeLarge,
      isMiddle: partNumber(2),
      failingKey: "out/file.tgz",
      sizeBytes: LARGE.byteLength + 10_000,
      requireWhole: requireLarge,
    },
  ),
  saving(
    "save of a small file",
    { none: {} },
    {
      key: "out/small",
      source: (path) => writeFile(path, SMALL),
      isMiddle: isPut,
      failingKey: "out/small",
      sizeBytes: SMALL.byteLength,
      requireWhole: async (path) => same(await readFile(path), SMALL, path),
    },
  ),
  saving(
    "save of a directory",
    { none: {} },
    {
      key: "out/tree",
      source: writeTree,
      isMiddle: partNumber(2),
      failingKey: "out/tree/deep/b.bin",
      sizeBytes: Object.values(TREE).reduce((sum, { byteLength }) => sum + byteLength, 0),
      requireWhole: requireTree,
      // What came before the failure may be there, but no object in part.
      async requireNothing({ server, bucket }) {
        const root = join(server.root, bucket, "out/tree");
        for (const [name, bytes] of Object.entries(TREE)) {
          const found = await readFile(join(root, name)).catch(() => undefined);
          if (found) same(found, bytes, name);
        }
        await requireMissing({ server, bucket } as Bed, "out/tree/deep/b.bin");
      },
    },
  ),
];
