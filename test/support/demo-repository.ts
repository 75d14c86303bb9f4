import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The files of the demo's repository: a workspace of small JavaScript packages with tests that pass, some hundreds of files and
 * a few megabytes. Always the same, so that two runs can be compared.
 *
 * @param examples the directory with `ci-repository`
 */
export function demoFiles(examples: string): Record<string, string | Buffer> {
  const random = createRandom(20_260);
  const files: Record<string, string | Buffer> = readTree(join(examples, "ci-repository"));
  for (const name of PACKAGES) {
    files[`packages/${name}/README.md`] = `# ${name}\n\n${prose(random, 40)}\n`;
    files[`packages/${name}/package.json`] =
      `${JSON.stringify({ name: `@weaver/${name}`, version: "1.4.0", type: "module" }, undefined, 2)}\n`;
    for (const verb of VERBS) {
      files[`packages/${name}/src/${verb}.js`] = moduleText(name, verb, random);
      files[`packages/${name}/test/${verb}.test.js`] = testText(name, verb);
    }
  }
  // What makes a checkout heavy is rarely the code.
  files["assets/pattern.bin"] = noise(random, 6_000_000);
  files["assets/threads.csv"] = table(random, 90_000);
  return files;
}

const PACKAGES = [
  "bobbin",
  "carder",
  "distaff",
  "fringe",
  "gauge",
  "hank",
  "heddle",
  "loom",
  "mordant",
  "needle",
  "pattern",
  "reed",
  "selvage",
  "shed",
  "shuttle",
  "spindle",
  "tension",
  "treadle",
  "warp",
  "weft",
];

const VERBS = ["count", "fold", "group", "join", "merge", "pick", "rank", "scan", "split", "sum"];

const WORDS =
  "thread yarn twist strand colour pattern warp weft float selvage tension beam reed draw sley treadle tabby twill satin plain count dye skein spool".split(
    " ",
  );

/** A pure function on numbers, with a table that its test checks. */
function moduleText(name: string, verb: string, random: () => number): string {
  const weights = Array.from({ length: 64 }, () => Math.floor(random() * 1000));
  const rows = Array.from({ length: 8 }, (_, row) => `  ${weights.slice(row * 8, row * 8 + 8).join(", ")},`);
  const helpers = Array.from({ length: 6 }, (_, index) => helperText(verb, index, random));
  return `/**
 * ${prose(random, 24)}
 */
const WEIGHTS = [
${rows.join("\n")}
];

${helpers.join("\n")}
/** ${prose(random, 12)} */
export function ${verb}${capital(name)}(values) {
  return values.reduce((total, value, index) => total + value * WEIGHTS[index % WEIGHTS.length], 0);
}

export const TOTAL_WEIGHT = ${weights.reduce((total, weight) => total + weight, 0)};
`;
}

function helperText(verb: string, index: number, random: () => number): string {
  const steps = Array.from(
    { length: 8 },
    (_, step) =>
      `  if (value % ${step + 2} === ${step}) return value * ${Math.floor(random() * 97) + 1}; // ${prose(random, 6)}`,
  );
  return `/** ${prose(random, 14)} */
export function ${verb}Step${index}(value) {
${steps.join("\n")}
  return value;
}
`;
}

function testText(name: string, verb: string): string {
  const subject = `${verb}${capital(name)}`;
  return `import assert from "node:assert/strict";
import { ${subject}, ${verb}Step0, TOTAL_WEIGHT } from "../src/${verb}.js";

export const tests = {
  "adds nothing up to nothing": () => assert.equal(${subject}([]), 0),
  "weighs ones to the total": () => assert.equal(${subject}(Array(64).fill(1)), TOTAL_WEIGHT),
  "starts over after the last weight": () => assert.equal(${subject}(Array(128).fill(1)), 2 * TOTAL_WEIGHT),
  "steps to whole numbers": () => assert.ok(Number.isInteger(${verb}Step0(41))),
};
`;
}

function prose(random: () => number, words: number): string {
  const chosen = Array.from({ length: words }, () => WORDS[Math.floor(random() * WORDS.length)] ?? "");
  return `${capital(chosen.join(" "))}.`;
}

function capital(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function noise(random: () => number, bytes: number): Buffer {
  const buffer = Buffer.alloc(bytes);
  for (let index = 0; index < bytes; index += 1) buffer[index] = random() * 256;
  return buffer;
}

function table(random: () => number, rows: number): string {
  const lines = Array.from({ length: rows }, (_, row) => {
    const word = WORDS[Math.floor(random() * WORDS.length)];
    return `${row},${word},${Math.floor(random() * 1e6)},${(random() * 100).toFixed(3)},${random() < 0.5}`;
  });
  return `id,thread,length,tension,dyed\n${lines.join("\n")}\n`;
}

/** Mulberry32: small, fast, and the same everywhere. https://github.com/cprosche/mulberry32 */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function readTree(directory: string, prefix = ""): Record<string, Buffer> {
  const files: Record<string, Buffer> = {};
  for (const entry of readdirSync(join(directory, prefix), { withFileTypes: true })) {
    const path = prefix === "" ? entry.name : `${prefix}/${entry.name}`;
    if (entry.isDirectory()) Object.assign(files, readTree(directory, path));
    else files[path] = readFileSync(join(directory, path));
  }
  return files;
}
