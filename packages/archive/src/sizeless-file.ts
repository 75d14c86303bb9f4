import { fstatSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { ArtifactError } from "@skein/contract";
import { diskError, explainingDisk } from "./disk-error.ts";
import { SMALL_FILE_BYTES } from "./file-sink.ts";
import { type RawName, toText } from "./raw-name.ts";
import { sourceChanged } from "./source-changed.ts";

const readAsync = promisify(read);

const CHUNK_BYTES = 512 * 1024;

/** What a tar holds of such a file in memory, because its size stands before its bytes. */
export const MAX_SIZELESS_BYTES = 8 * 1024 * 1024;

const NOTHING = Buffer.alloc(0);
/** Most files that say so are empty, and there may be thousands: one buffer for all of them. */
let probe: Buffer | undefined;

/**
 * A file that says it is empty. Those that the kernel makes up, as below /proc, and those of some FUSE file systems say so
 * whatever they hold: only reading tells.
 */
export class SizelessFile {
  /** The first bytes. */
  readonly head: Buffer;
  readonly #fd: number;
  readonly #path: RawName;

  /**
   * @param fd at its beginning; stays the caller's
   * @throws ArtifactError `archive.source_changed` for a file that has a size by now; `disk.*`
   */
  constructor(fd: number, path: RawName) {
    this.#fd = fd;
    this.#path = path;
    this.head = this.#readHead();
    if (this.head.length > 0) this.#requireSizeless();
  }

  /** Whether there is nothing behind the head. */
  get isWhole(): boolean {
    return this.head.length < SMALL_FILE_BYTES;
  }

  /** What is behind the head, to be asked for once. */
  async *rest(): AsyncGenerator<Buffer, void, undefined> {
    try {
      for (;;) {
        const chunk = Buffer.allocUnsafeSlow(CHUNK_BYTES);
        const { bytesRead } = await readAsync(this.#fd, chunk, 0, chunk.length, null);
        if (bytesRead === 0) return;
        yield chunk.subarray(0, bytesRead);
      }
    } catch (error) {
      throw diskError(error, this.#doing());
    }
  }

  /** The whole of it. @throws ArtifactError `archive.unsupported_entry` for more than {@link MAX_SIZELESS_BYTES} */
  async gather(): Promise<Buffer> {
    const chunks = [this.head];
    let bytes = this.head.length;
    for await (const chunk of this.rest()) {
      bytes += chunk.length;
      if (bytes > MAX_SIZELESS_BYTES) throw tooMuch(this.#path);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks);
  }

  #readHead(): Buffer {
    probe ??= Buffer.allocUnsafeSlow(SMALL_FILE_BYTES);
    const room = probe;
    let filled = 0;
    while (filled < room.length) {
      const bytesRead = explainingDisk(
        () => this.#doing(),
        () => readSync(this.#fd, room, filled, room.length - filled, null),
      );
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled === 0 ? NOTHING : Buffer.from(room.subarray(0, filled));
  }

  #requireSizeless(): void {
    const found = explainingDisk(
      () => this.#doing(),
      () => fstatSync(this.#fd),
    );
    if (found.size === 0) return;
    throw sourceChanged(
      `${toText(this.#path)} changed its size from 0 to ${found.size} bytes while it was being saved`,
    );
  }

  #doing(): string {
    return `cannot read ${toText(this.#path)}`;
  }
}

function tooMuch(path: RawName): ArtifactError {
  return new ArtifactError(
    `${toText(path)} does not say how large it is, and holds more than the ${MAX_SIZELESS_BYTES} bytes that are read of such a file into a tar`,
    {
      code: "archive.unsupported_entry",
      remedy:
        "Copy it to an ordinary file before the step ends, or save it with `archive: {none: {}}` or `{zip: {}}`.",
    },
  );
}
