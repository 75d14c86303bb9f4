import { ArtifactError } from "@skein/contract";
import { cleanEntryName } from "./clean-entry-name.ts";
import { corruptArchive } from "./corrupt-archive.ts";
import type { ExtractReport } from "./extract-report.ts";
import { toText } from "./raw-name.ts";
import { releaseRead } from "./release-memory.ts";
import type { TarEntry } from "./tar-header.ts";
import { type TarEvent, TarReader } from "./tar-reader.ts";
import { type ExtractOptions, Unpacker } from "./unpacker.ts";

/**
 * Unpacks a tar archive (not compressed: see `gunzip`) into a directory of its own, following contract §13.1
 * and, where that is unsafe or loses data, not following it; the README has the list.
 *
 * Reads the source to its end, so that a checksum behind the archive is seen as well. After an error
 * the directory holds a part and must be discarded.
 *
 * @param options with `ownsSource`, what the source brings is nobody else's, and its memory is given back once it is written
 * @throws ArtifactError `archive.corrupt`, `archive.path_escape`, `archive.unsupported_entry`,
 *   `archive.limit_exceeded`, `disk.*`, and whatever the source throws
 */
export async function extractTar(
  source: AsyncIterable<Uint8Array>,
  options: ExtractOptions & { ownsSource?: boolean },
): Promise<ExtractReport> {
  const extraction = new TarExtraction(options);
  const reader = new TarReader();
  try {
    for await (const chunk of source) {
      options.signal?.throwIfAborted();
      reader.push(chunk);
      await extraction.consume(reader);
      if (options.ownsSource) releaseRead(chunk);
    }
    return extraction.finish(reader.end());
  } finally {
    extraction.close();
  }
}

class TarExtraction {
  readonly #unpacker: Unpacker;
  #entry: TarEntry | undefined;
  #left = 0;

  constructor(options: ExtractOptions) {
    this.#unpacker = new Unpacker(options);
  }

  /** Writes whatever the reader has. Waits only for big files; parsing counts as disk time, of which it is a few percent. */
  async consume(reader: TarReader): Promise<void> {
    const { meter } = this.#unpacker;
    meter.enter("disk");
    try {
      for (let event = reader.next(); event !== undefined; event = reader.next()) {
        const pending = this.#accept(event);
        if (pending !== undefined) await pending;
        if (this.#left === 0) this.#closeEntry();
      }
    } finally {
      meter.leave("disk");
    }
  }

  finish(last: TarEvent | undefined): ExtractReport {
    const { meter } = this.#unpacker;
    if (last !== undefined) void this.#accept(last);
    meter.enter("disk");
    try {
      return this.#unpacker.finish();
    } finally {
      meter.leave("disk");
    }
  }

  close(): void {
    this.#unpacker.close();
  }

  #accept(event: TarEvent): Promise<void> | undefined {
    switch (event.kind) {
      case "data":
        this.#left -= event.bytes.length;
        return this.#unpacker.write(event.bytes);
      case "entry":
        this.#left = event.entry.size;
        this.#entry = event.entry;
        this.#begin(event.entry);
        return undefined;
      case "skipped":
        this.#unpacker.skip(event.name, event.reason);
        return undefined;
    }
  }

  #closeEntry(): void {
    this.#unpacker.closeFile(this.#entry?.mtimeSeconds);
    this.#entry = undefined;
  }

  #begin(entry: TarEntry): void {
    const unpacker = this.#unpacker;
    const name = unpacker.admit(entry.name);
    if (name === undefined || (name === "" && entry.type !== "5")) throw illegalPath(entry.name);
    if (entry.sparse) throw sparseFile(entry);
    switch (entry.type) {
      case "0":
      case "7": // contiguous: a hint to a file system of another age (POSIX: treat as a regular file)
        unpacker.openFile(name, entry.size, entry.mode);
        break;
      case "1":
        unpacker.hardLink(name, cleanHardLinkTarget(entry));
        break;
      case "2":
        unpacker.link(name, entry.linkName);
        break;
      case "5":
      case "D": // GNU incremental: a directory whose data lists its names
        unpacker.directory(name, entry.mode);
        break;
      default:
        unpacker.skip(entry.name, reasonToSkip(entry));
    }
  }
}

/** The contract's text (§13.1). */
function illegalPath(name: string): ArtifactError {
  return new ArtifactError(`illegal file path: ${toText(name)}`, {
    code: "archive.path_escape",
    remedy: "The archive was not made by a packer; find out who stored it.",
  });
}

function cleanHardLinkTarget(entry: TarEntry): ReturnType<typeof cleanEntryName> & string {
  const target = cleanEntryName(entry.linkName);
  if (target !== undefined) return target;
  throw new ArtifactError(`illegal hard link target: ${toText(entry.name)} -> ${toText(entry.linkName)}`, {
    code: "archive.path_escape",
    remedy: "The archive was not made by a packer; find out who stored it.",
  });
}

function sparseFile(entry: TarEntry): ArtifactError {
  return new ArtifactError(`${toText(entry.name)} is stored as a sparse file, which is not supported`, {
    code: "archive.unsupported_entry",
    remedy: "Pack without --sparse; gzip makes long runs of zeros small anyway.",
  });
}

const SPECIAL_FILES: Readonly<Record<string, string>> = {
  "3": "a character device",
  "4": "a block device",
  "6": "a fifo",
  V: "a volume label",
};

function reasonToSkip(entry: TarEntry): string {
  // The rest of a file whose beginning is on another tape: there is nothing to put it into.
  if (entry.type === "M") throw corruptArchive(`${toText(entry.name)} continues a file of another archive`);
  const known = SPECIAL_FILES[entry.type];
  return known === undefined ? `unknown entry type ${JSON.stringify(entry.type)}` : `${known} is not made`;
}
