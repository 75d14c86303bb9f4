/** A source whose beginning can be looked at before it is read. */
export class PeekedSource implements AsyncIterable<Uint8Array> {
  readonly #input: AsyncIterator<Uint8Array>;
  readonly #seen: Uint8Array[] = [];
  #ended = false;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#input = source[Symbol.asyncIterator]();
  }

  /** Whether nothing follows what has been looked at. */
  get isAll(): boolean {
    return this.#ended;
  }

  /** The first bytes, at most `wantedBytes` of them, fewer where the source ends. */
  async peek(wantedBytes: number): Promise<Buffer> {
    let bytes = this.#seen.reduce((sum, chunk) => sum + chunk.length, 0);
    while (bytes < wantedBytes && !this.#ended) {
      const next = await this.#input.next();
      if (next.done) this.#ended = true;
      else {
        this.#seen.push(next.value);
        bytes += next.value.length;
      }
    }
    return Buffer.concat(this.#seen).subarray(0, wantedBytes);
  }

  /** Everything, from the beginning; once. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void, undefined> {
    const seen = this.#seen;
    try {
      for (let chunk = seen.shift(); chunk !== undefined; chunk = seen.shift()) yield chunk;
      while (!this.#ended) {
        const next = await this.#input.next();
        if (next.done) this.#ended = true;
        else yield next.value;
      }
    } finally {
      if (!this.#ended) await this.#input.return?.();
    }
  }
}
