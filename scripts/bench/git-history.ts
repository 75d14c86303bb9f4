import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import { join } from "node:path";

const FILES = 4000;
const COMMITS = 300;
const CHANGED = 20;

/**
 * Writes a repository with the history of a middling project: words that compress as text does, files that grow.
 *
 * @returns what it is, for people
 */
export async function writeHistory(directory: string): Promise<string> {
  mkdirSync(directory);
  execFileSync("git", ["init", "-q", "-b", "main", directory]);
  const words = createWords();
  const files = Array.from({ length: FILES }, (_, index) => ({
    path: `d${index % 40}/e${Math.floor(index / 40) % 10}/f${index}.txt`,
    text: words.text(2000 + words.below(8000)),
  }));
  const importer = spawn("git", ["-C", directory, "fast-import", "--quiet"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  for (let commit = 0; commit < COMMITS; commit++) {
    const changed = commit === 0 ? files : Array.from({ length: CHANGED }, () => files[words.below(FILES)]);
    importer.stdin.write(
      `commit refs/heads/main\ncommitter T <t@example.com> ${1_600_000_000 + commit} +0000\ndata 1\nx\n`,
    );
    for (const file of changed) {
      if (!file) continue;
      if (commit > 0) file.text += words.text(300);
      importer.stdin.write(`M 100644 inline ${file.path}\ndata ${file.text.length}\n${file.text}\n`);
    }
  }
  importer.stdin.end();
  await once(importer, "close");
  execFileSync("git", ["-C", directory, "repack", "-adfq"]);
  const [size] = execFileSync("du", ["-sk", join(directory, ".git")], { encoding: "utf8" }).split("\t");
  return `${FILES} files, ${COMMITS} commits, ${(Number(size) / 1024).toFixed(0)} MiB packed`;
}

/** The same words each time. */
function createWords() {
  let state = 1;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
    return Math.floor((state / 0x80000000) * limit);
  };
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 3 + below(8) }, () => String.fromCharCode(97 + below(26))).join(""),
  );
  const text = (length: number): string => {
    let made = "";
    while (made.length < length) made += words[below(words.length)] + (below(10) === 0 ? "\n" : " ");
    return made;
  };
  return { below, text };
}
