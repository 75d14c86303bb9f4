/**
 * `node test/hostile/write-corpus.ts DIRECTORY`: writes every archive of the corpus to a file, for other extractors to be tried
 * with, and what is expected of each to `corpus.json`. The archives attack `/work/victim` from `/work/into`.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CORPUS } from "./corpus/corpus.ts";
import { SOMEWHERE } from "./corpus/hostile-case.ts";

const [directory] = process.argv.slice(2);
if (directory === undefined) throw new Error("say where to: node test/hostile/write-corpus.ts DIRECTORY");
mkdirSync(directory, { recursive: true });
const listed: object[] = [];
for (const [kind, shapes] of Object.entries(CORPUS)) {
  shapes.forEach(({ advisory, what, bytes, outcome }, at) => {
    const extension = kind === "compressed" ? "tar.compressed" : kind;
    const name = `${kind}-${String(at + 1).padStart(3, "0")}.${extension}`;
    writeFileSync(join(directory, name), bytes(SOMEWHERE));
    const wanted =
      "refused" in outcome
        ? { refused: outcome.refused }
        : {
            tree: typeof outcome.tree === "function" ? outcome.tree(SOMEWHERE) : outcome.tree,
            skipped: outcome.skipped,
          };
    listed.push({ name, advisory, what, ...wanted });
  });
}
writeFileSync(join(directory, "corpus.json"), `${JSON.stringify(listed, null, 2)}\n`);
process.stdout.write(`${listed.length} archives in ${directory}\n`);
