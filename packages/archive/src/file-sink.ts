import { closeSync, futimesSync, write, writeSync } from "node:fs";
import { promisify } from "node:util";
import { diskError } from "./disk-error.ts";

/** Up to here a file is written with synchronous calls; measured in the package's README. */
export const SMALL_FILE_BYTES = 256 * 1024;

const writeAsync = promisify(write);

/** One regular file on its way to disk. `bytes` tells how much it is going to have, which decides how it is written. */
export class FileSink {
  readonly #fd: number;
  readonly #isSmall: boolean;
  readonly #doing: string;
  #closed = false;

  constructor(fd: number, bytes: number, doing: string) {
    this.#fd = fd;
    this.#isSmall = bytes <= SMALL_FILE_BYTES;
    this.#doing = doing;
  }

  /** Writes the whole chunk. A promise, for big files only, that must be awaited before the next call. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (!this.#isSmall) return this.#writeBig(chunk);
    try {
      for (let at = 0; at < chunk.length; ) at += writeSync(this.#fd, chunk, at);
      return undefined;
    } catch (error) {
      throw diskError(error, this.#doing);
    }
  }

  /** Closes the file; `mtimeSeconds` becomes its modification time. */
  close(mtimeSeconds?: number): void {
    if (this.#closed) return;
    this.#closed = true;
    try {
      if (mtimeSeconds !== undefined) futimesSync(this.#fd, Date.now() / 1000, toTime(mtimeSeconds));
    } catch (error) {
      throw diskError(error, this.#doing);
    } finally {
      closeSync(this.#fd);
    }
  }

  /** Off the event loop, because a full page cache can make write(2) wait for seconds. */
  async #writeBig(chunk: Uint8Array): Promise<void> {
    try {
      for (let at = 0; at < chunk.length; ) {
        at += (await writeAsync(this.#fd, chunk, at, chunk.length - at, null)).bytesWritten;
      }
    } catch (error) {
      throw diskError(error, this.#doing);
    }
  }
}

/** node:fs takes a negative number for "now", but not a Date before 1970. */
function toTime(seconds: number): number | Date {
  return seconds < 0 ? new Date(Math.max(seconds, -8.64e12) * 1000) : seconds;
}
