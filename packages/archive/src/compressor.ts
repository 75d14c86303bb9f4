import type { DuplexOptions } from "node:stream";
import { constants, createDeflateRaw, type DeflateRaw, type ZlibOptions } from "node:zlib";

/** Results up to here wait in the stream without holding zlib up: more than what {@link MAX_BYTES} can become. */
const READ_AHEAD_BYTES = 1024 * 1024;

/** More than a result is ever cut into: a stream that is full of pieces calls nobody back before they are taken. */
const MANY_PIECES = 1024;

/** What a compressor takes at a time, at most. */
export const MAX_BYTES = READ_AHEAD_BYTES / 2;

export interface CompressorOptions {
  /** As zlib has it: −1 (default, which is 6), 0 (stored) to 9. */
  level?: number;
  /** One of zlib's strategies. */
  strategy?: number;
  /** `finish` ends the deflate stream of each piece, `sync` only its last byte, so that another may follow. */
  ends: "finish" | "sync";
  /** Room for results is allocated in pieces of this. */
  chunkBytes: number;
}

/**
 * One compressor that is used again and again, for pieces that know nothing of each other. `zlib.deflateRaw` makes one
 * for each call, and what those hold on to is only freed by a full collection: 20,000 pieces of 10 KiB took 560 MB that way
 * and take 117 MB this way (README).
 */
export class Compressor {
  readonly #zlib: DeflateRaw;
  #last: Promise<unknown> = Promise.resolve();

  constructor({ level, strategy, ends, chunkBytes }: CompressorOptions) {
    const settings: ZlibOptions & DuplexOptions = {
      chunkSize: chunkBytes,
      // Every write ends like this; the Node stream never ends, and reset() makes it ready for the next.
      flush: ends === "finish" ? constants.Z_FINISH : constants.Z_SYNC_FLUSH,
      writableHighWaterMark: READ_AHEAD_BYTES,
      // As objects: what waits as bytes is handed out in one piece, which is made by copying.
      readableObjectMode: true,
      readableHighWaterMark: MANY_PIECES,
      ...(level !== undefined && { level }),
      ...(strategy !== undefined && { strategy }),
    };
    this.#zlib = createDeflateRaw(settings);
  }

  /**
   * One after another.
   *
   * @param bytes at most {@link MAX_BYTES}
   * @returns views of larger buffers, each of which is filled in the order of the calls and by this compressor alone
   */
  deflate(bytes: Buffer): Promise<Buffer[]> {
    const result = this.#last.then(() => this.#run(bytes));
    this.#last = result.catch(() => undefined); // whoever asked for it hears of it
    return result;
  }

  close(): void {
    this.#zlib.destroy();
  }

  #run(bytes: Buffer): Promise<Buffer[]> {
    const zlib = this.#zlib;
    return new Promise((resolve, reject) => {
      zlib.once("error", reject); // also when close() comes first
      zlib.write(bytes, (error) => {
        zlib.off("error", reject);
        if (error) return reject(error);
        if (zlib.destroyed) return reject(new Error("the compressor was closed while it was at work"));
        const pieces: Buffer[] = [];
        for (let piece = zlib.read(); piece !== null; piece = zlib.read()) pieces.push(piece);
        zlib.reset();
        resolve(pieces);
      });
    });
  }
}
