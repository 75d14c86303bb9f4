import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** More than this is not read, however long the lines are. */
const TAIL_BYTES = 16 * 1024;

/** The last lines of a file; none when it does not exist. */
export function readLogTail(path: string, lines: number): string[] {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return []; // the container was never started
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(descriptor, buffer, 0, buffer.byteLength, size - buffer.byteLength);
    const text = buffer.toString("utf8").replace(/\n$/, "");
    return text === "" ? [] : text.split("\n").slice(-lines);
  } finally {
    closeSync(descriptor);
  }
}
