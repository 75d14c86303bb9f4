import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "./bench.ts";
import type { Figures } from "./pod.ts";

/**
 * What other programs take for the same bytes, outside any pod: a shell's command, in an empty directory on the same tmpfs.
 *
 * @param values what `$1`, `$2`, … stand for
 */
export function runElsewhere(
  bench: Bench,
  runs: number,
  command: string,
  ...values: readonly string[]
): Figures[] {
  const { directory, measure } = bench.parts;
  const out = join(directory, "figures-elsewhere.json");
  return Array.from({ length: runs }, () => {
    const cwd = join(directory, "elsewhere");
    mkdirSync(cwd);
    try {
      execFileSync(measure, [out, "sh", "-c", command, "sh", ...values], {
        cwd,
        stdio: ["ignore", "pipe", "inherit"],
      });
    } finally {
      rmSync(cwd, { recursive: true });
    }
    return JSON.parse(readFileSync(out, "utf8")) as Figures;
  });
}

/** Node's own zlib with nothing around it: the floor of what unpacking can take on one thread. */
export const GUNZIP_ALONE = `
const { createReadStream } = require("node:fs");
const { createGunzip } = require("node:zlib");
const settings = { chunkSize: 256 * 1024, highWaterMark: 1024 * 1024 };
createReadStream(process.argv[1], { highWaterMark: 256 * 1024 }).pipe(createGunzip(settings)).resume();`;
