import { fstatSync, read, readSync } from "node:fs";
import { promisify } from "node:util";
import { diskError, explainingDisk } from "./disk-error.ts";
import { type RawName, toText } from "./raw-name.ts";
import { sourceChanged } from "./source-changed.ts";
import type { SourceEntry } from "./source-tree.ts";

const readAsync = promisify(read);

/** A regular file that is being packed with the size it had when it was listed. */
export class PackedFile {
  readonly #fd: number;
  readonly #path: RawName;
  readonly #size: number;
  #position = 0;

  /** @param fd stays the caller's */
  constructor(fd: number, { path, stats }: SourceEntry) {
    this.#fd = fd;
    this.#path = path;
    this.#size = stats.size;
  }

  /** Bytes that must still come for the archive to be right. */
  get left(): number {
    return this.#size - this.#position;
  }

  /** Fills `room` as far as one call goes; 0 when the file has become shorter. */
  readSmall(room: Buffer): number {
    const bytesRead = explainingDisk(
      () => this.#doing(),
      () => readSync(this.#fd, room, 0, room.length, this.#position),
    );
    this.#position += bytesRead;
    return bytesRead;
  }

  /** The same off the event loop: a disk may take long. */
  async readBig(room: Buffer): Promise<number> {
    try {
      const { bytesRead } = await readAsync(this.#fd, room, 0, room.length, this.#position);
      this.#position += bytesRead;
      return bytesRead;
    } catch (error) {
      throw diskError(error, this.#doing());
    }
  }

  /** What the size is now, if it is no longer what was promised. */
  changedSize(): number | undefined {
    const { size } = explainingDisk(
      () => this.#doing(),
      () => fstatSync(this.#fd),
    );
    return size === this.#size ? undefined : size;
  }

  #doing(): string {
    return `cannot read ${toText(this.#path)}`;
  }
}

/** Files that were not what they had been listed as; the archive is well-formed, its content is not to be trusted. */
export class ChangedFiles {
  readonly #named: string[] = [];
  #count = 0;

  note(name: RawName, listedBytes: number, foundBytes: number): void {
    this.#count++;
    if (this.#named.length < 10)
      this.#named.push(`${toText(name)} (from ${listedBytes} to ${foundBytes} bytes)`);
  }

  /** @throws ArtifactError `archive.source_changed` naming the files, if there are any */
  throwIfAny(): void {
    if (this.#count === 0) return;
    const more = this.#count > this.#named.length ? ` and ${this.#count - this.#named.length} more` : "";
    throw sourceChanged(
      `files changed their size while they were being packed: ${this.#named.join(", ")}${more}`,
    );
  }
}
