import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { beforeAll, expect, it, onTestFinished } from "vitest";
import { bundleChunks, type ChunkBundle } from "./bundle-chunks.ts";
import { createChunkLoader } from "./load-chunks.ts";
import { program } from "./place-core.ts";
import { REHEARSAL_FLAGS } from "./rehearsal-flags.ts";

const require = createRequire(import.meta.url);
let bundle: ChunkBundle;
let recorder: string;

beforeAll(async () => {
  const directory = await temporaryDirectory();
  await writeFile(
    join(directory, "rehearsal.ts"),
    `export async function rehearse(): Promise<void> {
       const { work } = await import("./work.ts");
       // More than fits into the memory that V8 begins with.
       for (let i = 0; i < 200; i++) work(Buffer.alloc(1024 * 1024, i));
     }`,
  );
  await writeFile(
    join(directory, "work.ts"),
    `const seen: string[] = [];
     export function work(bytes: Buffer): void {
       const words = Array.from({ length: 2000 }, (_, i) => "word" + i + bytes[0]);
       seen.push(words.sort((a, b) => a.localeCompare(b)).join());
     }
     export class Unused { method() { return 1; } }`,
  );
  bundle = await bundleChunks({ directory, entryPoints: { rehearsal: "rehearsal.ts" } });
  recorder = await program("record-code-cache.ts", {});
  await rm(directory, { recursive: true });
});

async function temporaryDirectory(): Promise<string> {
  return await mkdtemp(join(tmpdir(), "skein-caches-"));
}

/** Records in a directory of its own, as each build does. */
async function record(): Promise<string> {
  const directory = await temporaryDirectory();
  onTestFinished(() => rm(directory, { recursive: true }));
  const chunks = join(directory, "chunks");
  await mkdir(chunks);
  for (const [name, text] of bundle.chunks) await writeFile(join(chunks, name), text);
  const path = join(directory, "recorder.cjs");
  await writeFile(path, recorder);
  const argv = [...REHEARSAL_FLAGS, path, chunks, bundle.entryChunks.rehearsal ?? "", "{}"];
  await promisify(execFile)(process.execPath, argv, { env: {} });
  return chunks;
}

async function caches(directory: string): Promise<Record<string, string>> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cache")).sort();
  const contents = names.map(async (name) => [name, await readFile(join(directory, name), "base64")]);
  return Object.fromEntries(await Promise.all(contents)) as Record<string, string>;
}

it("writes the same code caches whenever and wherever they are recorded", async () => {
  const first = await caches(await record());
  expect(Object.keys(first)).toHaveLength(bundle.chunks.size);
  expect(await caches(await record())).toEqual(first);
});

it("names no directory of the build in a code cache", async () => {
  const chunks = await record();
  for (const name of await readdir(chunks)) {
    const content = await readFile(join(chunks, name), "latin1");
    if (name.endsWith(".cache")) expect(content.includes(tmpdir()), name).toBe(false);
  }
});

it("writes caches that hold without the flags of the rehearsal", async () => {
  const directory = await record();
  const rejected: (boolean | undefined)[] = [];
  const load = createChunkLoader({
    directory,
    require,
    onCompile: (_filename, script) => rejected.push(script.cachedDataRejected),
  });
  await (load(bundle.entryChunks.rehearsal ?? "") as { rehearse(): Promise<void> }).rehearse();
  expect(rejected).toEqual(rejected.map(() => false));
  expect(rejected.length).toBeGreaterThan(1);
});
