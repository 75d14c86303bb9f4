import { type RawName, type TarEntry, type TarEvent, TarReader, toText } from "@skein/archive";
import { ArtifactError } from "@skein/contract";
import type { MemberToSave } from "./driver.ts";
import { objectName } from "./object-name.ts";

/** What was packed, to be read once and in order. */
export type PackedRoot =
  | { type: "file"; sizeBytes: number; body: AsyncIterable<Uint8Array> }
  | { type: "directory"; members: AsyncIterable<MemberToSave> };

/**
 * Opens what the emissary packed (contract §13.2: one root, a file or a directory) without unpacking it to the disk.
 *
 * @param source the tar, no longer compressed
 * @throws ArtifactError `archive.corrupt`; `archive.path_escape` for a name that is not below the root, which main
 *   may have forged
 */
export async function openPackedTar(source: AsyncIterable<Uint8Array>): Promise<PackedRoot> {
  const tar = new TarStream(source);
  const first = await tar.nextEntry();
  if (first?.type === "0") {
    return { type: "file", sizeBytes: first.size, body: tar.body(first) };
  }
  if (first?.type !== "5") {
    await tar.close();
    throw new ArtifactError("what main packed begins with neither a file nor a directory", {
      code: "archive.corrupt",
    });
  }
  return { type: "directory", members: membersBelow(tar, withoutSlash(first.name)) };
}

async function* membersBelow(tar: TarStream, root: RawName): AsyncGenerator<MemberToSave> {
  /** The last directory, as long as nothing was seen in it. */
  let hollow: string | undefined = "";
  try {
    for (let entry = await tar.nextEntry(); entry !== undefined; entry = await tar.nextEntry()) {
      const path = pathBelow(root, entry);
      if (hollow !== undefined && hollow !== "" && !path.startsWith(`${hollow}/`)) {
        yield { type: "emptyDirectory", path: objectName(hollow) };
      }
      hollow = undefined;
      if (entry.type === "5") hollow = path;
      else if (entry.type === "0") {
        const body = tar.body(entry);
        yield { type: "file", path: objectName(path), sizeBytes: entry.size, open: () => body };
        await body.ended; // the next entry only stands behind this one's bytes
      } else yield { type: "other", path: toText(path), what: nameOf(entry) };
    }
    if (hollow !== undefined) yield { type: "emptyDirectory", path: objectName(hollow) };
  } finally {
    await tar.close();
  }
}

/** Entries and their bytes, in the order of the archive. */
class TarStream {
  readonly #chunks: AsyncIterator<Uint8Array>;
  readonly #reader = new TarReader();
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#chunks = source[Symbol.asyncIterator]();
  }

  /** The next entry; bytes of the one before that nobody read are passed over. */
  async nextEntry(): Promise<TarEntry | undefined> {
    for (;;) {
      const event = await this.nextEvent();
      if (event === undefined) return undefined;
      if (event.kind === "entry") return event.entry;
    }
  }

  async nextEvent(): Promise<TarEvent | undefined> {
    while (!this.#ended) {
      const event = this.#reader.next();
      if (event) return event;
      const next = await this.#chunks.next();
      if (next.done) {
        this.#ended = true;
        return this.#reader.end();
      }
      this.#reader.push(next.value);
    }
    return undefined;
  }

  body(entry: TarEntry): EntryBody {
    return new EntryBody(this, entry.size);
  }

  async close(): Promise<void> {
    await this.#chunks.return?.();
  }
}

/** The bytes of one entry. Not a generator: it must notice that it is over even when nobody began to read it. */
class EntryBody implements AsyncIterableIterator<Uint8Array> {
  /** Resolves when all was read, or when the reader has stopped. */
  readonly ended: Promise<void>;
  readonly #tar: TarStream;
  readonly #end: () => void;
  #left: number;

  constructor(tar: TarStream, sizeBytes: number) {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ended = promise;
    this.#end = resolve;
    this.#tar = tar;
    this.#left = sizeBytes;
    if (sizeBytes === 0) resolve();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async next(): Promise<IteratorResult<Uint8Array>> {
    while (this.#left > 0) {
      const event = await this.#tar.nextEvent();
      // Cannot be: the reader throws at a truncated end, and gives nothing else before an entry's last byte.
      if (event?.kind !== "data") break;
      this.#left -= event.bytes.byteLength;
      if (this.#left === 0) this.#end();
      return { done: false, value: event.bytes };
    }
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<Uint8Array>> {
    this.#left = 0;
    this.#end();
    return { done: true, value: undefined };
  }
}

/** Keys are made of these names: one that leads elsewhere would overwrite somebody's object. */
function pathBelow(root: RawName, entry: TarEntry): RawName {
  const name = withoutSlash(entry.name);
  const rest = name.startsWith(`${root}/`) ? name.slice(root.length + 1) : "";
  const odd = rest.split("/").some((part) => part === "" || part === "." || part === "..");
  if (rest === "" || odd || rest.includes("\0")) {
    throw new ArtifactError(`illegal file path: ${toText(name)} is not below ${toText(root)}`, {
      code: "archive.path_escape",
      remedy: "the container changed what was packed of its outputs",
    });
  }
  return rest;
}

function withoutSlash(name: RawName): RawName {
  return name.endsWith("/") ? name.slice(0, -1) : name;
}

function nameOf(entry: TarEntry): string {
  const names: Record<string, string> = { "1": "hard link", "2": "symbolic link", "6": "pipe" };
  return names[entry.type] ?? "device";
}
