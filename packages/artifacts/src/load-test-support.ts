import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gunzipSync, gzipSync, zstdCompressSync } from "node:zlib";
import type { Artifact, S3Location } from "@skein/contract";
import { runCommand } from "../../../test/support/command.ts";
import { type S3Server, startS3Server } from "../../../test/support/s3-server.ts";
import {
  connectorTo,
  createTestEngine,
  observedTransfer,
  patternedBytes,
  s3Location,
  s3Secrets,
  type TemporaryDirectory,
  type TestEngine,
  temporaryDirectory,
} from "./test-support.ts";
import type { TransferReport } from "./transfer-report.ts";

export const LARGE = patternedBytes(3_000_000);
export const isLarge = (bytes: Buffer): boolean => LARGE.equals(bytes);

/** What is in `tree.*` of {@link startStoreOfArtifacts}, as {@link tree} tells it. */
export const TREE = { "a.txt": 1, deep: -1, "deep/b.bin": LARGE.byteLength, hollow: -1 };

/** What is below a directory, with the sizes of files. */
export async function tree(path: string): Promise<Record<string, number>> {
  const names = await readdir(path, { recursive: true });
  const sizes = names.map(async (name) => {
    const facts = await stat(join(path, name));
    return [name, facts.isDirectory() ? -1 : facts.size] as const;
  });
  return Object.fromEntries((await Promise.all(sizes)).sort());
}

/** An S3 server with artifacts to load: `tree.*` in many archives, `file.tgz`, `dir/`, and some that are no good. */
export interface StoreOfArtifacts extends AsyncDisposable {
  server: S3Server;
  tgz: Record<"file" | "tree" | "hostile", Buffer>;
  artifact(key: string, more?: Partial<Artifact> & { at?: Partial<S3Location> }): Artifact;
  /** Loads to `inputs/source` with an engine of its own. */
  loadInto(
    directory: TemporaryDirectory,
    artifact: Artifact,
  ): Promise<TestEngine & { target: string; report: TransferReport }>;
}

export async function startStoreOfArtifacts(): Promise<StoreOfArtifacts> {
  const server = await startS3Server();
  const { tgz, zip } = await makeArchives();
  const objects: Record<string, Buffer> = {
    "file.tgz": tgz.file,
    "tree.tgz": tgz.tree,
    "hostile.tgz": tgz.hostile,
    "cut.tgz": tgz.tree.subarray(0, 1_000_000),
    "tree.tar": gunzipSync(tgz.tree),
    "tree.tar.zst": zstdCompressSync(gunzipSync(tgz.tree)),
    "tree.zip": zip,
    "plain.gz": gzipSync("not a tar"),
    "dir/x": Buffer.from("x"),
    "dir/y/z": LARGE,
  };
  await using connector = connectorTo(server);
  const { transfer } = observedTransfer();
  const store = await connector.connect(s3Location(server, ""), transfer);
  for (const [key, body] of Object.entries(objects)) {
    await store.put(key, body, { signal: transfer.signal, contentType: "x" });
  }
  return {
    server,
    tgz,
    artifact(key, { at, ...more } = {}) {
      return { name: "source", s3: s3Location(server, key, at), ...more };
    },
    async loadInto(directory, artifact) {
      await using test = await createTestEngine(s3Secrets(server));
      const target = join(directory.path, "inputs/source");
      const report = await test.engine.load({ artifact, target });
      return { ...test, target, report };
    },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}

async function makeArchives(): Promise<{ tgz: StoreOfArtifacts["tgz"]; zip: Buffer }> {
  await using work = await temporaryDirectory();
  await mkdir(join(work.path, "tree/deep"), { recursive: true });
  await mkdir(join(work.path, "tree/hollow"));
  await writeFile(join(work.path, "tree/a.txt"), "a");
  await writeFile(join(work.path, "tree/deep/b.bin"), LARGE);
  const tar = async (...args: string[]): Promise<Buffer> => {
    await runCommand("tar", ["--sort=name", "-czf", "out.tgz", ...args], { cwd: work.path });
    return readFile(join(work.path, "out.tgz"));
  };
  const tgz = {
    file: await tar("-C", "tree/deep", "b.bin"),
    tree: await tar("tree"),
    hostile: await tar("-P", "--transform", "s,^tree/a.txt,../../evil,", "tree/deep", "tree/a.txt"),
  };
  await runCommand("python3", ["-m", "zipfile", "-c", "out.zip", "tree"], { cwd: work.path });
  return { tgz, zip: await readFile(join(work.path, "out.zip")) };
}
