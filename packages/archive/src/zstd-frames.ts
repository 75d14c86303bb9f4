import { corruptArchive } from "./corrupt-archive.ts";

/** Little-endian 0xFD2FB528: https://www.rfc-editor.org/rfc/rfc8878#section-3.1.1 */
export const ZSTD_MAGIC = Buffer.from([0x28, 0xb5, 0x2f, 0xfd]);

/** Frames that hold no data, such as the index of a seekable file: 0x184D2A50 to 5F (RFC 8878 §3.1.2). */
export function isSkippableMagic(bytes: Uint8Array): boolean {
  return (
    bytes.length >= 4 &&
    ((bytes[0] ?? 0) & 0xf0) === 0x50 &&
    bytes[1] === 0x2a &&
    bytes[2] === 0x4d &&
    bytes[3] === 0x18
  );
}

const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;
const CHECKSUM_BYTES = 4;

/** What is read next, and its length in bytes. */
type Field = "magic" | "skippableSize" | "descriptor" | "header" | "block";

/**
 * The same bytes, cut wherever a frame of zstd ends and without the frames that hold no data.
 *
 * Node's decompressor (24.21) drops whatever a chunk holds behind the end of a frame, without an error: of two frames in
 * one chunk the second is lost (nodejs/node#64741). Frames say where they end without being decompressed, so they are
 * followed here, and a cut or a tail is found by the way.
 *
 * @throws ArtifactError `archive.corrupt` when the source ends within a frame or holds something else
 */
export async function* zstdFrames(
  source: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const scanner = new FrameScanner();
  for await (const chunk of source) yield* scanner.split(chunk);
  scanner.end();
}

class FrameScanner {
  #field: Field = "magic";
  #wanted = 4;
  readonly #bytes = Buffer.alloc(16);
  #filled = 0;
  /** Bytes to go before the next field. */
  #ahead = 0;
  #isInFrame = false;
  #isLastBlock = false;
  #hasChecksum = false;
  #frames = 0;

  *split(chunk: Uint8Array): Generator<Uint8Array, void, undefined> {
    let from = 0;
    for (let at = 0; at < chunk.length; ) {
      if (this.#ahead > 0) {
        const bytes = Math.min(this.#ahead, chunk.length - at);
        this.#ahead -= bytes;
        at += bytes;
      } else {
        at += this.#collect(chunk, at);
        if (this.#filled < this.#wanted) continue;
        const isNew = this.#read();
        // The magic may lie in two chunks, and it was not known to be one before it was whole.
        if (isNew) yield ZSTD_MAGIC;
        if (isNew || !this.#isInFrame) from = at;
      }
      if (this.#isLastBlock && this.#ahead === 0) {
        yield chunk.subarray(from, at);
        from = at;
        this.#endFrame();
      }
    }
    if (this.#isInFrame && from < chunk.length) yield chunk.subarray(from);
  }

  end(): void {
    const isWhole = !this.#isInFrame && this.#field === "magic" && this.#filled === 0 && this.#ahead === 0;
    if (!isWhole || this.#frames === 0) throw corruptArchive("truncated zstd data: unexpected end of file");
  }

  #collect(chunk: Uint8Array, at: number): number {
    const part = chunk.subarray(at, at + this.#wanted - this.#filled);
    this.#bytes.set(part, this.#filled);
    this.#filled += part.length;
    return part.length;
  }

  #expect(field: Field, wanted: number): void {
    this.#field = field;
    this.#wanted = wanted;
    this.#filled = 0;
  }

  /** @returns whether a frame with data has begun */
  #read(): boolean {
    const bytes = this.#bytes;
    switch (this.#field) {
      case "magic":
        return this.#readMagic();
      case "skippableSize":
        this.#ahead = bytes.readUInt32LE(0);
        this.#expect("magic", 4);
        return false;
      case "descriptor":
        this.#readDescriptor(bytes.readUInt8(0));
        return false;
      case "header":
        this.#expect("block", 3);
        return false;
      case "block":
        this.#readBlock(bytes.readUIntLE(0, 3));
        return false;
    }
  }

  #readMagic(): boolean {
    if (isSkippableMagic(this.#bytes)) {
      this.#expect("skippableSize", 4);
      return false;
    }
    if (!this.#bytes.subarray(0, 4).equals(ZSTD_MAGIC)) {
      throw corruptArchive(
        this.#frames === 0
          ? "corrupt zstd data: it does not begin with a frame"
          : "corrupt zstd data: something other than a frame stands behind the end",
      );
    }
    this.#frames++;
    this.#isInFrame = true;
    this.#expect("descriptor", 1);
    return true;
  }

  /** RFC 8878 §3.1.1.1.1: which of window, dictionary and content size follow, and how long they are. */
  #readDescriptor(descriptor: number): void {
    const isSingleSegment = (descriptor & 0x20) !== 0;
    const contentSizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
    const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
    this.#hasChecksum = (descriptor & 0x04) !== 0;
    this.#expect("header", (isSingleSegment ? 0 : 1) + dictionaryBytes + contentSizeBytes);
  }

  #readBlock(header: number): void {
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) throw corruptArchive("corrupt zstd data: a block of an unknown type");
    this.#ahead = type === BLOCK_RLE ? 1 : header >> 3;
    this.#isLastBlock = (header & 1) !== 0;
    if (this.#isLastBlock && this.#hasChecksum) this.#ahead += CHECKSUM_BYTES;
    this.#expect("block", 3);
  }

  #endFrame(): void {
    this.#isInFrame = false;
    this.#isLastBlock = false;
    this.#expect("magic", 4);
  }
}
