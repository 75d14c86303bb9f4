import { basename } from "node:path";
import { build, type Metafile, transform } from "esbuild";

export interface ChunkBundle {
  /** Text of each chunk by its file name. */
  chunks: Map<string, string>;
  /** File name of each entry point's chunk, by the entry point's name. */
  entryChunks: Record<string, string>;
  metafile: Metafile;
}

export interface BundleOptions {
  /** Directory that entry points are relative to. */
  directory: string;
  /** Files by the names their chunks get. */
  entryPoints: Readonly<Record<string, string>>;
  /** Values for names that the source declares and does not define. (An object would become an import of every file.) */
  define?: Readonly<Record<string, string>>;
}

/**
 * Bundles programs into chunks along their lazy imports: a module is in exactly one chunk, so its classes are the
 * same everywhere, and a program reads the chunks it needs and no others. esbuild splits only ES modules, and those
 * cannot be given a code cache; so each chunk is rewritten as a function of `require`, which `load-chunks.ts` calls.
 *
 * White space is all that goes. Names stay, also those that esbuild's syntax minification would take from class
 * expressions: stack traces stay readable and libraries that compare `constructor.name` stay right.
 *
 * @throws Error for errors and warnings: each warning so far was a mistake, such as `import.meta` in the core
 */
export async function bundleChunks(options: BundleOptions): Promise<ChunkBundle> {
  const { directory, entryPoints, define = {} } = options;
  const { outputFiles, metafile, warnings } = await build({
    absWorkingDir: directory,
    entryPoints: { ...entryPoints },
    entryNames: "[name]-[hash]",
    chunkNames: "[name]-[hash]",
    outdir: "chunks",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    define: Object.fromEntries(Object.entries(define).map(([name, value]) => [name, JSON.stringify(value)])),
    legalComments: "none",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  const [warning] = warnings;
  if (warning !== undefined) {
    throw new Error(`${warning.location?.file}:${warning.location?.line}: ${warning.text}`);
  }
  const chunks = new Map<string, string>();
  for (const { path, text } of outputFiles) chunks.set(basename(path), await asFunction(text));
  const entryChunks = Object.entries(entryPoints).map(([name, file]) => [name, chunkOf(metafile, file)]);
  return { chunks, entryChunks: Object.fromEntries(entryChunks) as Record<string, string>, metafile };
}

async function asFunction(text: string): Promise<string> {
  const { code } = await transform(withNamedExports(text), {
    format: "cjs",
    platform: "node",
    target: "node24",
    // `import("./chunk.js")` becomes a promise of `require("./chunk.js")`.
    supported: { "dynamic-import": false },
    minifyWhitespace: true,
  });
  return `(function(require,module,exports,__filename,__dirname){${code}\n})`;
}

/**
 * A chunk that is a lazily imported CommonJS package exports only a default; `import()` in Node.js gives the names as
 * well, and that is what the source was written for.
 */
function withNamedExports(text: string): string {
  return text.replace(
    /^export default (require_\w+\(\));\n*$/m,
    `const exported = $1;
module.exports = Object.defineProperties({}, {
  ...Object.getOwnPropertyDescriptors(exported),
  default: { value: exported, enumerable: true },
  __esModule: { value: true },
});
`,
  );
}

function chunkOf({ outputs }: Metafile, entryPoint: string): string {
  const found = Object.entries(outputs).find(([, output]) => output.entryPoint === entryPoint);
  if (found === undefined) throw new Error(`esbuild made no chunk of ${entryPoint}`);
  return basename(found[0]);
}
