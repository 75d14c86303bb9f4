import type { RawName } from "./raw-name.ts";

declare const clean: unique symbol;

/**
 * A name that stays inside the directory it is joined to: relative, without empty, `.` or `..`
 * components, without NUL. `""` is the directory itself. Only {@link cleanEntryName} makes one, and
 * the tree writer takes nothing else.
 */
export type CleanName = RawName & { readonly [clean]: true };

/** The directory that is unpacked into. */
export const ROOT = "" as CleanName;

const NEEDS_WORK = /(?:^|\/)\.{0,2}(?:\/|$)/;

/**
 * The place an entry's name stands for, by lexical processing alone; undefined when that is outside.
 * A leading `/` is dropped (as upstream's `join(tmpdir, name)` does), `./x` is `x` and `a/../b` is `b`.
 */
export function cleanEntryName(name: RawName): CleanName | undefined {
  if (name.includes("\0")) return undefined;
  if (!NEEDS_WORK.test(name)) return name as CleanName;
  return cleanComponents([], name);
}

/** The place a symbolic link at `link` points to, lexically; undefined when outside or absolute. */
export function cleanLinkTarget(link: CleanName, target: RawName): CleanName | undefined {
  if (target.startsWith("/") || target.includes("\0")) return undefined;
  const parent = parentName(link);
  return cleanComponents(parent === "" ? [] : parent.split("/"), target);
}

function cleanComponents(kept: string[], name: RawName): CleanName | undefined {
  for (const component of name.split("/")) {
    if (component === "" || component === ".") continue;
    if (component !== "..") kept.push(component);
    else if (kept.pop() === undefined) return undefined;
  }
  return kept.join("/") as CleanName;
}

/** The directory an entry lies in. */
export function parentName(name: CleanName): CleanName {
  return name.slice(0, Math.max(name.lastIndexOf("/"), 0)) as CleanName;
}

/** The last component. */
export function baseName(name: CleanName): RawName {
  return name.slice(name.lastIndexOf("/") + 1);
}
