import { cpSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";
import { replaceFile } from "./replace-file.ts";

/** Bundles the `skein` command into one file; the page's style and scripts lie beside it as they are. */
export async function buildSkein(checkout: string, directory: string): Promise<Metafile> {
  const { outputFiles, metafile } = await build({
    absWorkingDir: checkout,
    entryPoints: ["packages/skein/src/main.ts"],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "esm",
    target: "node24",
    banner: {
      // Packages in CommonJS ask for Node's modules by `require`, which an ES module does not have.
      js: '#!/usr/bin/env node\nimport { createRequire } from "node:module";\nconst require = createRequire(import.meta.url);',
    },
    legalComments: "none",
    logLevel: "warning",
  });
  cpSync(join(checkout, "packages/diagnostics/src/html"), join(directory, "html"), {
    recursive: true,
    filter: (path) => !/\.(test\.ts|d\.ts)$|tsconfig/.test(path),
  });
  replaceFile(join(directory, "skein.mjs"), outputFiles[0]?.text ?? "", 0o755);
  return metafile;
}
