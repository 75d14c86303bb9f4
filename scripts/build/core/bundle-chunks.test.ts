import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Script } from "node:vm";
import { describe, expect, it, onTestFinished } from "vitest";
import { bundleChunks } from "./bundle-chunks.ts";
import { cachePath, createChunkLoader } from "./load-chunks.ts";

const require = createRequire(import.meta.url);

async function write(files: Record<string, string>): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "skein-chunks-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  return directory;
}

/** Bundles the files and loads `main.ts`, whose exports it gives. */
async function load(files: Record<string, string>): Promise<Record<string, unknown>> {
  const directory = await write(files);
  const bundle = await bundleChunks({ directory, entryPoints: { main: "main.ts" } });
  const out = await write(Object.fromEntries(bundle.chunks));
  return createChunkLoader({ directory: out, require })(bundle.entryChunks.main ?? "") as Record<
    string,
    unknown
  >;
}

describe("bundleChunks", () => {
  it("keeps a class one class, however lazily the files that use it are loaded", async () => {
    const { make } = await load({
      "shared.ts": "export class Shared {}",
      "lazy.ts": 'import { Shared } from "./shared.ts"; export const make = () => new Shared();',
      "main.ts": `import { Shared } from "./shared.ts";
        export const make = async () => (await import("./lazy.ts")).make() instanceof Shared;`,
    });
    expect(await (make as () => Promise<boolean>)()).toBe(true);
  });

  it("evaluates a lazy file when it is asked for, once", async () => {
    const globals = globalThis as { chunkTestEvaluations?: number };
    globals.chunkTestEvaluations = 0;
    onTestFinished(() => {
      delete globals.chunkTestEvaluations;
    });
    const { lazy } = await load({
      "lazy.ts": "globalThis.chunkTestEvaluations += 1; export const x = 1;",
      "main.ts": 'export const lazy = () => import("./lazy.ts");',
    });
    expect(globals.chunkTestEvaluations).toBe(0);
    await (lazy as () => Promise<unknown>)();
    await (lazy as () => Promise<unknown>)();
    expect(globals.chunkTestEvaluations).toBe(1);
  });

  it("gives a lazily imported CommonJS package its names and its default, as Node.js does", async () => {
    const { names } = await load({
      "node_modules/old/package.json": '{ "name": "old", "version": "1.0.0" }',
      "node_modules/old/index.js":
        'Object.defineProperty(exports, "__esModule", { value: true }); exports.Late = class Late {};',
      "main.ts": `export const names = async () => {
          const { Late, default: whole } = await import("old");
          return [Late.name, whole.Late === Late];
        };`,
    });
    expect(await (names as () => Promise<unknown>)()).toEqual(["Late", true]);
  });
});

describe("createChunkLoader", () => {
  it("runs a chunk from a code cache, and without it when V8 refuses it", async () => {
    const source = "(function(require,module){module.exports={answer:42}})";
    const directory = await write({ "good.js": source, "bad.js": source });
    await writeFile(cachePath(join(directory, "good.js")), new Script(source).createCachedData());
    await writeFile(cachePath(join(directory, "bad.js")), "not a cache");
    const rejected: (boolean | undefined)[] = [];
    const load = createChunkLoader({
      directory,
      require,
      onCompile: (_filename, script) => rejected.push(script.cachedDataRejected),
    });
    expect([load("good.js"), load("bad.js")]).toEqual([{ answer: 42 }, { answer: 42 }]);
    expect(rejected).toEqual([false, true]);
  });
});
