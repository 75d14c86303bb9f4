import type { SecretKeySelector } from "@skein/contract";
import type { Path } from "./tags.ts";

export interface SecretReference {
  name: string;
  key: string;
  path: Path;
}

/**
 * The secrets that artifacts refer to, at any depth: the fields that are called `…Secret` and hold a `key`.
 * A reference without a name counts as absent (contract §5.6).
 */
export function* secretReferences(value: unknown, path: Path = []): Generator<SecretReference> {
  if (typeof value !== "object" || value === null) return;
  for (const [field, item] of Object.entries(value)) {
    const at = [...path, Array.isArray(value) ? Number(field) : field];
    if (isSelector(field, item)) {
      if (item.name) yield { name: item.name, key: item.key, path: at };
    } else {
      yield* secretReferences(item, at);
    }
  }
}

function isSelector(field: string, value: unknown): value is SecretKeySelector {
  if (!/Secret$|^secretKeyRef$/.test(field)) return false;
  return typeof (value as SecretKeySelector | null)?.key === "string";
}
