import { randomBytes } from "node:crypto";
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";

const MIB = 1024 * 1024;

/**
 * Half of it cannot be compressed, as of images, models and archives; half of it are hexadecimal digits, of which gzip leaves
 * a little more than half, as of numbers in text. Of two halves of a MiB each, in turn.
 */
export function halfRandom(mebibytes: number): Buffer {
  const half = MIB / 2;
  return Buffer.concat(
    Array.from({ length: mebibytes }, () => [
      randomBytes(half),
      Buffer.from(randomBytes(half / 2).toString("hex")),
    ]).flat(),
  );
}

export function writeHalfRandomFile(path: string, mebibytes: number): void {
  const file = openSync(path, "w");
  try {
    for (let index = 0; index < mebibytes; index++) writeSync(file, halfRandom(1));
  } finally {
    closeSync(file);
  }
}

/** `count` files of `bytes` bytes each, a hundred to a directory; one half of each is random digits, the other one letter. */
export function writeSmallFiles(directory: string, count: number, bytes: number): void {
  for (let index = 0; index < count; index++) {
    const folder = join(directory, String(Math.floor(index / 100)));
    if (index % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(
      join(folder, `${index}.txt`),
      randomBytes(Math.ceil(bytes / 4))
        .toString("hex")
        .padEnd(bytes, "a"),
    );
  }
}
