import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;

/** One file of `mebibytes` MiB, three quarters of it random: gzip leaves about 400 MB of 512 MiB, as of a model or an image. */
export function writeMostlyRandomFile(path: string, mebibytes: number): void {
  const text = Buffer.from(
    "The quick brown fox jumps over the lazy dog, and then does it again. ".repeat(MIB / 64),
  ).subarray(0, MIB);
  const file = openSync(path, "w");
  try {
    for (let index = 0; index < mebibytes; index++)
      writeSync(file, index % 4 === 3 ? text : randomBytes(MIB));
  } finally {
    closeSync(file);
  }
}

/** `count` files of `bytes` bytes each, a hundred to a directory. */
export function writeSmallFiles(directory: string, count: number, bytes: number): void {
  const content = Buffer.from(
    `${randomBytes(bytes / 4).toString("hex")}${"a".repeat(bytes)}`.slice(0, bytes),
  );
  for (let index = 0; index < count; index++) {
    const folder = join(directory, String(Math.floor(index / 100)));
    if (index % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${index}.txt`), content);
  }
}
