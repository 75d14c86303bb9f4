import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { gunzipSync } from "node:zlib";
import type { World } from "./world.ts";

/** Bytes of an object in the store, `undefined` when there is none. */
export function objectOf({ store }: World, key: string): Buffer | undefined {
  const file = join(store.root, store.bucket, key);
  return existsSync(file) && !statSync(file).isDirectory() ? readFileSync(file) : undefined;
}

/** Puts an object there, as somebody else's step would have. */
export function putObject({ store }: World, key: string, content: string | Uint8Array): void {
  const file = join(store.root, store.bucket, key);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content);
}

/** Keys below a prefix, sorted. */
export function keysBelow({ store }: World, prefix: string): string[] {
  const root = join(store.root, store.bucket);
  return readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((key) => key.startsWith(prefix) && !statSync(join(root, key)).isDirectory())
    .sort();
}

const BLOCK = 512;

/** Names and contents of the regular files of a gzipped tar; enough for what the cases pack. */
export function filesOfTgz(content: Buffer): Record<string, string> {
  const tar = gunzipSync(content);
  const files: Record<string, string> = {};
  for (let at = 0; at + BLOCK <= tar.length && tar[at] !== 0; ) {
    const text = (from: number, length: number): string =>
      tar.toString("latin1", at + from, at + from + length).replace(/\0.*$/s, "");
    const size = Number.parseInt(text(124, 12), 8);
    const type = text(156, 1);
    if (type === "0" || type === "")
      files[text(0, 100)] = tar.toString("utf8", at + BLOCK, at + BLOCK + size);
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK;
  }
  return files;
}
