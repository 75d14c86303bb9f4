import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";

type Chunk = (
  require: (id: string) => unknown,
  module: { exports: unknown },
  exports: unknown,
  filename: string,
  directory: string,
) => void;

export interface ChunkOptions {
  /** Where the chunks and their code caches lie. */
  directory: string;
  /**
   * The directory by which V8 shall know the chunks. Default: the one they lie in. A code cache keeps the name, so it
   * must not be that of a directory of the build.
   */
  knownAs?: string;
  /** For what is not a chunk: the modules of Node.js. */
  require: NodeJS.Require;
  /** Told of each chunk's script, before it runs. */
  onCompile?: (filename: string, script: Script) => void;
}

/**
 * Runs chunks of the bundled core, each with the code cache that lies beside it. A chunk's name holds the hash of its
 * text, because V8 itself compares only the lengths of the text that is run and the text that was cached. When V8
 * refuses a cache – another version, other flags – it compiles as usual: slower, just as right.
 *
 * @returns what `require` gives for a chunk's name
 */
export function createChunkLoader({
  directory,
  knownAs = directory,
  require,
  onCompile,
}: ChunkOptions): (name: string) => unknown {
  const modules = new Map<string, { exports: unknown }>();
  const requireChunk = (id: string): unknown => (id.startsWith("./") ? load(id.slice(2)) : require(id));
  const load = (name: string): unknown => {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const filename = join(directory, name);
    // esbuild writes ASCII only, and a string of single bytes needs no decoding.
    const script = new Script(readFileSync(filename, "latin1"), {
      filename: join(knownAs, name),
      cachedData: readCache(filename),
    });
    onCompile?.(filename, script);
    const chunk = script.runInThisContext() as Chunk;
    chunk(requireChunk, module, module.exports, filename, directory);
    return module.exports;
  };
  return load;
}

function readCache(filename: string): Buffer | undefined {
  try {
    return readFileSync(cachePath(filename));
  } catch {
    return undefined;
  }
}

export function cachePath(filename: string): string {
  return `${filename}.cache`;
}
