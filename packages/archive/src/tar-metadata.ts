import { ArtifactError } from "@skein/contract";
import { corruptArchive } from "./corrupt-archive.ts";
import { type PaxRecords, parsePaxRecords, parsePaxSize, parsePaxTime } from "./pax.ts";
import { type RawName, toText } from "./raw-name.ts";
import type { TarEntry, TarHeader } from "./tar-header.ts";

/** No writer needs more for a name; a reader that believes any size can be made to hold gigabytes. */
const MAX_METADATA_BYTES = 1024 ** 2;

/** A global record of these would change every entry behind it, in some readers and not in others. */
const REFUSED_GLOBALLY = /^(?:path|linkpath|size|GNU\.sparse\..*)$/;

/**
 * The headers that speak about the next entry: pax (`x`, Solaris `X`), pax global (`g`), GNU long name (`L`)
 * and long link (`K`). They apply to the next file, never to each other.
 */
export class TarMetadata {
  #type = "";
  #left = 0;
  #parts: Buffer[] = [];
  #pax: PaxRecords | undefined;
  #longName: RawName | undefined;
  #longLink: RawName | undefined;

  /** Whether a metadata header's own data is being read. */
  get isOpen(): boolean {
    return this.#type !== "";
  }

  /** Whether an entry must follow. */
  get isPending(): boolean {
    return (
      this.isOpen || this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined
    );
  }

  open(type: string, size: number): { name: string; reason: string } | undefined {
    if (size > MAX_METADATA_BYTES) {
      throw corruptArchive(
        `corrupt tar archive: an extended header of ${size} bytes (at most ${MAX_METADATA_BYTES} are read)`,
      );
    }
    this.#type = type;
    this.#left = size;
    this.#parts = [];
    return size === 0 ? this.#close() : undefined;
  }

  /** Takes data of the open header; tells what of it is not going to be applied. */
  push(bytes: Buffer): { name: string; reason: string } | undefined {
    this.#parts.push(Buffer.from(bytes)); // the chunk it is a view of may be released before the rest comes
    this.#left -= bytes.length;
    return this.#left === 0 ? this.#close() : undefined;
  }

  /** The entry a header stands for, with everything said about it before. */
  apply(header: TarHeader): TarEntry {
    const entry: TarEntry = { ...header, sparse: header.type === "S" };
    if (this.#longName !== undefined) entry.name = this.#longName;
    if (this.#longLink !== undefined) entry.linkName = this.#longLink;
    if (this.#pax !== undefined) applyPax(entry, this.#pax);
    if (entry.type === "0" && entry.name.endsWith("/")) markDirectory(entry);
    this.#pax = undefined;
    this.#longName = undefined;
    this.#longLink = undefined;
    return entry;
  }

  #close(): { name: string; reason: string } | undefined {
    const type = this.#type;
    const bytes = Buffer.concat(this.#parts);
    this.#type = "";
    this.#parts = [];
    if (type === "L") this.#longName = upToNul(bytes);
    else if (type === "K") this.#longLink = upToNul(bytes);
    else if (type === "g") return describeGlobal(parsePaxRecords(bytes));
    else this.#pax = new Map([...(this.#pax ?? []), ...parsePaxRecords(bytes)]);
    return undefined;
  }
}

function applyPax(entry: TarEntry, pax: PaxRecords): void {
  for (const [key, value] of pax) {
    if (key.startsWith("GNU.sparse.")) entry.sparse = true;
    if (value === "") continue;
    if (key === "path") entry.name = value;
    else if (key === "linkpath") entry.linkName = value;
    else if (key === "size") entry.size = parsePaxSize(value);
    else if (key === "mtime") entry.mtimeSeconds = parsePaxTime(value);
  }
}

/** How directories were written before they had a type. Readers disagree on whether data follows one, so none may. */
function markDirectory(entry: TarEntry): void {
  if (entry.size !== 0) {
    throw corruptArchive(
      `corrupt tar archive: ${toText(entry.name)} is a directory with ${entry.size} bytes of data`,
    );
  }
  entry.type = "5";
}

function upToNul(bytes: Buffer): RawName {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end === -1 ? bytes.length : end);
}

/** Upstream ignores global headers. `git archive` writes one with nothing but a comment, which nobody misses. */
function describeGlobal(records: PaxRecords): { name: string; reason: string } | undefined {
  const keys = [...records.keys()].filter((key) => key !== "comment");
  const refused = keys.find((key) => REFUSED_GLOBALLY.test(key));
  if (refused !== undefined) {
    throw new ArtifactError(`a pax global header sets ${refused} for every entry, which is not supported`, {
      code: "archive.unsupported_entry",
    });
  }
  return keys.length === 0
    ? undefined
    : { name: "", reason: `pax global header not applied: ${keys.join(", ")}` };
}
