/**
 * A program of the build: `node record-code-cache.cjs DIRECTORY REHEARSAL-CHUNK STAGE`, run by the very Node.js that
 * the image carries. Plays the rehearsal from the chunks in DIRECTORY, then writes the code cache of every chunk.
 * STAGE is a RehearsalStage as JSON.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { cachePath, createChunkLoader } from "./load-chunks.ts";
import type { rehearse } from "./rehearsal.ts";
import { FLAGS_OF_AN_ACT } from "./rehearsal-flags.ts";

/** Where the chunks lie in an image. */
const IN_IMAGE = "/opt/skein/core";

async function main(): Promise<void> {
  const [directory = "", rehearsalChunk = "", stage = ""] = process.argv.slice(2);
  const scripts = new Map<string, Script>();
  const load = createChunkLoader({
    directory,
    knownAs: IN_IMAGE,
    require,
    onCompile: (filename, script) => scripts.set(filename, script),
  });
  const rehearsal = load(rehearsalChunk) as { rehearse: typeof rehearse };
  slowDownTheClock();
  await rehearsal.rehearse(JSON.parse(stage));
  for (const flag of FLAGS_OF_AN_ACT) setFlagsFromString(flag);
  for (const name of readdirSync(directory)) {
    if (!name.endsWith(".js")) continue;
    const filename = join(directory, name);
    // What no act of the rehearsal needed is at least parsed.
    const script =
      scripts.get(filename) ??
      new Script(readFileSync(filename, "latin1"), { filename: join(IN_IMAGE, name) });
    writeFileSync(cachePath(filename), script.createCachedData());
  }
}

/** What a transfer is judged by depends on how long it took: here all are quick, so that the same functions run each time. */
function slowDownTheClock(): void {
  const now = performance.now.bind(performance);
  performance.now = () => now() / 1000;
}

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : error}\n`);
    process.exit(1);
  },
);
