/**
 * Collects bytes into chunks of one size, so that thousands of small files do not become thousands of small
 * buffers. A full chunk is given away and never touched again.
 */
export class ChunkBuilder {
  readonly #chunkBytes: number;
  readonly #full: Buffer[] = [];
  #chunk: Buffer;
  #filled = 0;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.#chunk = Buffer.allocUnsafeSlow(chunkBytes);
  }

  /** Room to write into, at least one byte and at most `maxBytes`; {@link commit} says how much was used. */
  room(maxBytes: number): Buffer {
    return this.#chunk.subarray(this.#filled, Math.min(this.#filled + maxBytes, this.#chunkBytes));
  }

  commit(bytes: number): void {
    this.#filled += bytes;
    if (this.#filled < this.#chunkBytes) return;
    this.#full.push(this.#chunk);
    this.#chunk = Buffer.allocUnsafeSlow(this.#chunkBytes);
    this.#filled = 0;
  }

  append(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; ) {
      const copied = bytes.copy(this.room(bytes.length - at), 0, at);
      at += copied;
      this.commit(copied);
    }
  }

  appendZeros(count: number): void {
    for (let left = count; left > 0; ) {
      const room = this.room(left).fill(0);
      left -= room.length;
      this.commit(room.length);
    }
  }

  /** The next full chunk. */
  take(): Buffer | undefined {
    return this.#full.shift();
  }

  /** What is left when nothing more comes. */
  takeRest(): Buffer {
    return this.#chunk.subarray(0, this.#filled);
  }
}
