import { type CleanName, cleanEntryName } from "./clean-entry-name.ts";
import { FreeSpace } from "./free-space.ts";
import { type RawName, toText } from "./raw-name.ts";
import { DEFAULT_UNPACK_LIMITS, limitExceeded, type UnpackLimits } from "./unpack-limits.ts";

/** Holds what is to be made below a directory to the limits: entries of an archive, and objects of a store alike. */
export class EntryAdmission {
  readonly limits: UnpackLimits;
  readonly #space: FreeSpace;
  #entries = 0;
  #bytes = 0;

  /** @param root the directory, which is there */
  constructor(root: string, limits: Partial<UnpackLimits> = {}) {
    this.limits = { ...DEFAULT_UNPACK_LIMITS, ...limits };
    this.#space = new FreeSpace(root, this.limits);
  }

  /**
   * Counts an entry and gives its place.
   *
   * @returns undefined when the name leads outside; the caller has the format's own words for it
   * @throws ArtifactError `archive.limit_exceeded`
   */
  admit(name: RawName): CleanName | undefined {
    const { limits } = this;
    if (++this.#entries > limits.maxEntries)
      throw limitExceeded("maxEntries", limits, "there are more entries");
    if (name.length > limits.maxPathBytes) {
      throw limitExceeded(
        "maxPathBytes",
        limits,
        `a name of ${name.length} bytes, ${toText(name.slice(0, 80))}…`,
      );
    }
    const cleaned = cleanEntryName(name);
    if (cleaned !== undefined && exceedsDepth(cleaned, limits.maxDepth)) {
      throw limitExceeded("maxDepth", limits, `the directories above ${toText(name.slice(0, 80))}…`);
    }
    return cleaned;
  }

  /** Before a file is begun. @throws ArtifactError `archive.limit_exceeded`, `disk.full` */
  admitFile(name: RawName, bytes: number): void {
    const { limits } = this;
    if (this.#bytes + bytes > limits.maxBytes) {
      throw limitExceeded("maxBytes", limits, `the files up to ${toText(name)}, which has ${bytes} bytes`);
    }
    this.#space.require(name, bytes);
    this.#bytes += bytes;
  }
}

function exceedsDepth(name: CleanName, maxDepth: number): boolean {
  if (name.length <= maxDepth) return false; // fewer slashes than that
  let depth = 0;
  for (let at = name.indexOf("/"); at !== -1; at = name.indexOf("/", at + 1)) depth++;
  return depth > maxDepth;
}
