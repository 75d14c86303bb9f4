/** Bundles every package into `--out`: the code, a source map, a compressed copy, and one manifest of all of them. */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { gzipSync } from "node:zlib";
import { listPackages, option } from "./packages.mjs";
import { sendSpans, withSpan } from "./trace.mjs";

const out = option("out", "dist");
mkdirSync(out, { recursive: true });

const manifest = {};
await withSpan("build", {}, async (build) => {
  for (const { name, modules } of listPackages()) {
    const attributes = { "build.package": name, "build.modules": modules.length };
    await withSpan(`bundle ${name}`, { parent: build, attributes }, async (bundle) => {
      const sources = modules.map((file) => readFileSync(file, "utf8"));
      const code = sources.map(withoutComments).join("\n");
      write(`${name}.js`, code);
      write(
        `${name}.js.map`,
        JSON.stringify({
          version: 3,
          sources: modules.map((file) => basename(file)),
          sourcesContent: sources,
          mappings: "",
        }),
      );
      write(`${name}.js.gz`, gzipSync(code));
      bundle.attributes["build.bytes"] = code.length;
    });
  }
  write("manifest.json", JSON.stringify(manifest, undefined, 2));
  write(
    "VERSION",
    `${JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")).version}+${option("commit", "unknown").slice(0, 12)}\n`,
  );
  build.attributes["build.packages"] = Object.keys(manifest).length;
});
await sendSpans("weaver-ci");

process.stdout.write(`built ${Object.keys(manifest).length} files\n`);

function write(file, content) {
  writeFileSync(join(out, file), content);
  manifest[file] = createHash("sha256").update(content).digest("hex");
}

function withoutComments(source) {
  return source.replaceAll(/\/\*\*[\s\S]*?\*\/\n/g, "").trimEnd();
}
