/**
 * A program of the build: `node record-code-cache.cjs DIRECTORY REHEARSAL-CHUNK STAGE`, run by the very Node.js that
 * the image carries. Plays the rehearsal from the chunks in DIRECTORY, then writes the code cache of every chunk.
 * STAGE is a RehearsalStage as JSON.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Script } from "node:vm";
import { cachePath, createChunkLoader } from "./load-chunks.ts";
import type { rehearse } from "./rehearsal.ts";

async function main(): Promise<void> {
  const [directory = "", rehearsalChunk = "", stage = ""] = process.argv.slice(2);
  const scripts = new Map<string, Script>();
  const load = createChunkLoader({
    directory,
    require,
    onCompile: (filename, script) => scripts.set(filename, script),
  });
  const rehearsal = load(rehearsalChunk) as { rehearse: typeof rehearse };
  await rehearsal.rehearse(JSON.parse(stage));
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(".js")) continue;
    const filename = join(directory, name);
    // What no act of the rehearsal needed is at least parsed.
    const script = scripts.get(filename) ?? new Script(readFileSync(filename, "latin1"), { filename });
    writeFileSync(cachePath(filename), script.createCachedData());
  }
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  },
);
