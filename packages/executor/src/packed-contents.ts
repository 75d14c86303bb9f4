import { cleanPath, type JournalLine, MAIN_CONTAINER, type Paths } from "@skein/contract";
import { createJournal } from "./journal-file.ts";
import type { PackedContents } from "./save-plan.ts";

/**
 * What the front says it packed for a path of main's image, so that nobody has to unpack an archive only to count.
 * Nothing, when the journal does not tell: the numbers are for people, the archive goes without them.
 */
export async function readPackedContents(
  paths: Pick<Paths, "journal">,
): Promise<(path: string) => PackedContents | undefined> {
  const lines: JournalLine[] = await createJournal(paths.journal(MAIN_CONTAINER))
    .read()
    .catch(() => []);
  return (path) => {
    const line = lines.findLast(
      (line) => line.event === "output" && line.kind === "artifact" && cleanPath(line.path) === path,
    );
    if (line?.event !== "output" || line.error || line.files === undefined) return undefined;
    return { files: line.files, unpackedBytes: line.bytes, packingSeconds: line.seconds };
  };
}
