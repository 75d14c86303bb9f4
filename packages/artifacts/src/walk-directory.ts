import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { MemberToSave } from "./driver.ts";
import { translateDiskError } from "./node-errors.ts";
import { type OnGrown, type ReadExactlyOptions, readExactly } from "./read-exactly.ts";
import type { StageMeter } from "./stage-clock.ts";

/**
 * What is below a directory, in the order of the names, with paths relative to it. Links are not followed.
 *
 * @throws ArtifactError when anything cannot be looked at: what cannot be read must not be left out silently
 */
export function* walkDirectory(root: string, meter: StageMeter, onGrown?: OnGrown): Generator<MemberToSave> {
  yield* walk(root, "", { meter, onGrown });
}

function* walk(root: string, relative: string, options: ReadExactlyOptions): Generator<MemberToSave> {
  const { meter } = options;
  const entries = onDisk(meter, `cannot list ${join(root, relative)}`, () =>
    readdirSync(join(root, relative), { withFileTypes: true }).sort(byName),
  );
  if (entries.length === 0) yield { type: "emptyDirectory", path: relative };
  for (const entry of entries) {
    const path = join(relative, entry.name);
    if (entry.isDirectory()) yield* walk(root, path, options);
    else if (entry.isFile()) {
      const { size } = onDisk(meter, `cannot read ${join(root, path)}`, () => lstatSync(join(root, path)));
      yield {
        type: "file",
        path,
        sizeBytes: size,
        open: (how) => readExactly(join(root, path), size, { ...options, lends: how?.lends }),
      };
    } else yield { type: "other", path, what: kindOf(entry) };
  }
}

function onDisk<T>(meter: StageMeter, doing: string, work: () => T): T {
  meter.enter("disk");
  try {
    return work();
  } catch (error) {
    throw translateDiskError(error, doing);
  } finally {
    meter.leave("disk");
  }
}

function byName(a: Dirent, b: Dirent): number {
  return a.name < b.name ? -1 : 1;
}

function kindOf(entry: Dirent): string {
  if (entry.isSymbolicLink()) return "symbolic link";
  if (entry.isSocket()) return "socket";
  return entry.isFIFO() ? "pipe" : "device";
}
