import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { SecretReference } from "../workflow/secrets.ts";
import type { Secrets, Volume } from "../workflow/types.ts";

/** Makes an `emptyDir`, open to every user of the pod as a kubelet makes it, and gives its path. */
export function emptyDirectory(path: string): string {
  mkdirSync(path, { recursive: true });
  chmodSync(path, 0o777);
  return path;
}

/**
 * A file or directory of a volume that is mounted by itself (`subPath`). As with a kubelet,
 * one that does not exist becomes an empty directory.
 */
export function subPathOf(volume: string, subPath: string): string {
  const path = join(volume, subPath);
  if (!existsSync(path)) emptyDirectory(path);
  return path;
}

/** Writes the referenced keys of secrets, one directory per secret, and gives those by the secrets' names. */
export function writeSecrets(
  directory: string,
  references: Iterable<SecretReference>,
  secrets: Secrets,
): Map<string, string> {
  const written = new Map<string, string>();
  for (const { name, key } of references) {
    const value = secrets.get(name)?.get(key);
    if (value === undefined) throw new Error(`there is no Secret "${name}" with a key "${key}"`);
    const own = join(directory, name);
    writeSecretFile(join(own, key), value);
    written.set(name, own);
  }
  return written;
}

/** Makes a volume that the author declared. */
export function makeVolume(directory: string, volume: Volume, secrets: Secrets): string {
  const path = emptyDirectory(join(directory, volume.name));
  if (!volume.secret) return path;
  const { secretName, items } = volume.secret;
  const values = secrets.get(secretName) ?? new Map<string, Uint8Array>();
  for (const { key, path: file } of items ?? [...values.keys()].map((name) => ({ key: name, path: name }))) {
    const value = values.get(key);
    if (value === undefined) throw new Error(`Secret "${secretName}" has no key "${key}"`);
    writeSecretFile(join(path, file), value);
  }
  return path;
}

function writeSecretFile(path: string, value: Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, value, { mode: 0o644 });
}
