import { copyFileSync, mkdirSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/**
 * Puts a file in place whole, so that a pod of the lab that is just starting meets the old one or the new one and a
 * program that is running keeps its own.
 */
export function replaceFile(path: string, content: string | Uint8Array, mode = 0o644): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.new`;
  writeFileSync(partial, content, { mode });
  renameSync(partial, path);
}

/** {@link replaceFile} with the content and the mode of another file. */
export function replaceWithCopy(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const partial = `${path}.${process.pid}.new`;
  copyFileSync(source, partial);
  renameSync(partial, path);
}
