import { type SourceEntry, type SourceTree, toText } from "@skein/archive";
import type { MemberToSave } from "./driver.ts";
import { fileToSave } from "./file-to-save.ts";
import { objectName } from "./object-name.ts";
import type { OnGrown } from "./read-exactly.ts";
import type { StageMeter } from "./stage-clock.ts";

/**
 * What is below a directory, in the order of the names' bytes, with paths relative to it. Links are not followed. The files
 * can be opened until the tree is closed, by whoever has closed this walk, too.
 *
 * @throws ArtifactError when anything cannot be looked at, or cannot be an object: nothing must be left out silently
 */
export function* walkDirectory(
  tree: SourceTree,
  meter: StageMeter,
  onGrown?: OnGrown,
): Generator<MemberToSave, void, undefined> {
  /** The last directory, as long as nothing was seen in it. */
  let hollow: SourceEntry | undefined;
  for (const entry of onDisk(tree.entries(), meter)) {
    const { path, below, stats } = entry;
    if (hollow !== undefined && !isWithin(below, hollow.below)) yield emptyDirectory(hollow);
    hollow = stats.isDirectory() ? entry : undefined;
    if (stats.isFile()) {
      const source = { path: toText(path), openFile: () => tree.openFile(entry), meter, onGrown };
      yield { type: "file", path: objectName(below), ...fileToSave(source, stats.size) };
    } else if (!stats.isDirectory()) yield { type: "other", path: toText(below), what: kindOf(entry) };
  }
  if (hollow !== undefined) yield emptyDirectory(hollow);
}

function isWithin(below: string, directory: string): boolean {
  return directory === "" || below.startsWith(`${directory}/`);
}

function emptyDirectory({ below }: SourceEntry): MemberToSave {
  return { type: "emptyDirectory", path: objectName(below) };
}

/** The disk is busy while the next entry is looked for. */
function* onDisk(
  entries: Generator<SourceEntry, void, undefined>,
  meter: StageMeter,
): Generator<SourceEntry, void, undefined> {
  for (;;) {
    meter.enter("disk");
    let next: IteratorResult<SourceEntry, void>;
    try {
      next = entries.next();
    } finally {
      meter.leave("disk");
    }
    if (next.done) return;
    yield next.value;
  }
}

function kindOf({ stats }: SourceEntry): string {
  if (stats.isSymbolicLink()) return "symbolic link";
  if (stats.isSocket()) return "socket";
  return stats.isFIFO() ? "pipe" : "device";
}
