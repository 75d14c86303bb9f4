import { corruptArchive } from "./corrupt-archive.ts";
import {
  BLOCK_BYTES,
  decodeTarHeader,
  hasValidChecksum,
  isZeroBlock,
  isZeroes,
  type TarEntry,
  type TarHeader,
} from "./tar-header.ts";
import { TarMetadata } from "./tar-metadata.ts";

/** What a tar archive says next. Data chunks follow their entry and add up to its `size`. */
export type TarEvent =
  | { kind: "entry"; entry: TarEntry }
  | { kind: "data"; bytes: Buffer }
  /** Something that stands in the archive and has no place in a directory. */
  | { kind: "skipped"; name: string; reason: string };

/** Links, devices, directories and fifos have no data whatever their size field says (Go, Python and POSIX agree). */
const TYPES_WITHOUT_DATA = "123456";
const METADATA_TYPES = "xXgLK";

/**
 * A pull parser: chunks of any length go in through `push`, events come out of `next` until it is
 * undefined, all without a promise, so that thousands of small files pass in one turn of the event loop.
 * Data is handed out as views of the chunks, never copied.
 */
export class TarReader {
  #chunk: Buffer = Buffer.alloc(0);
  #offset = 0;
  readonly #block = Buffer.alloc(BLOCK_BYTES);
  #blockFilled = 0;
  #dataLeft = 0;
  #paddingLeft = 0;
  #zeroBlocks = 0;
  #strayBytes = 0;
  readonly #metadata = new TarMetadata();

  push(chunk: Uint8Array): void {
    this.#chunk = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    this.#offset = 0;
  }

  /**
   * @returns undefined when the next chunk is needed
   * @throws ArtifactError `archive.corrupt`, `archive.unsupported_entry`
   */
  next(): TarEvent | undefined {
    while (this.#offset < this.#chunk.length) {
      if (this.#zeroBlocks === 2) this.#countStrayBytes();
      else if (this.#dataLeft > 0) {
        const bytes = this.#take(this.#dataLeft);
        this.#dataLeft -= bytes.length;
        if (!this.#metadata.isOpen) return { kind: "data", bytes };
        const skipped = this.#metadata.push(bytes);
        if (skipped !== undefined) return { kind: "skipped", ...skipped };
      } else if (this.#paddingLeft > 0) this.#paddingLeft -= this.#take(this.#paddingLeft).length;
      else {
        const event = this.#readHeader();
        if (event !== undefined) return event;
      }
    }
    return undefined;
  }

  /**
   * To be called when the input has ended.
   *
   * The end must be marked: `tar | gzip` whose tar was killed gives a perfect gzip file that often
   * stops between two entries, and nothing else would tell.
   *
   * @throws ArtifactError `archive.corrupt` when the archive was cut off
   */
  end(): TarEvent | undefined {
    if (this.#dataLeft > 0 || this.#blockFilled > 0 || this.#metadata.isPending) {
      throw corruptArchive("truncated tar archive: it ends in the middle of an entry");
    }
    if (this.#zeroBlocks === 0) {
      throw corruptArchive("truncated tar archive: it has no end-of-archive marker");
    }
    if (this.#strayBytes === 0) return undefined;
    const reason = `${this.#strayBytes} bytes stand behind the end of the archive`;
    return { kind: "skipped", name: "", reason };
  }

  #readHeader(): TarEvent | undefined {
    const offset = this.#nextBlock();
    if (offset === undefined) return undefined;
    const block = this.#blockFilled > 0 ? this.#block : this.#chunk;
    this.#blockFilled = 0;
    if (block[offset] === 0 && isZeroBlock(block, offset)) {
      if (this.#metadata.isPending)
        throw corruptArchive("corrupt tar archive: an extended header without its entry");
      this.#zeroBlocks++;
      return undefined;
    }
    if (this.#zeroBlocks > 0) throw corruptArchive("corrupt tar archive: a lone zero block between entries");
    if (!hasValidChecksum(block, offset))
      throw corruptArchive("corrupt tar archive: invalid header checksum");
    return this.#accept(decodeTarHeader(block, offset));
  }

  #accept(header: TarHeader): TarEvent | undefined {
    if (METADATA_TYPES.includes(header.type)) {
      this.#expectData(header.size);
      const skipped = this.#metadata.open(header.type, header.size);
      return skipped === undefined ? undefined : { kind: "skipped", ...skipped };
    }
    const entry = this.#metadata.apply(header);
    if (TYPES_WITHOUT_DATA.includes(entry.type)) entry.size = 0;
    this.#expectData(entry.size);
    return { kind: "entry", entry };
  }

  #expectData(size: number): void {
    if (size < 0) throw corruptArchive(`corrupt tar archive: an entry of ${size} bytes`);
    this.#dataLeft = size;
    this.#paddingLeft = (BLOCK_BYTES - (size % BLOCK_BYTES)) % BLOCK_BYTES;
  }

  /** Where the next whole block begins: in the chunk, or at 0 in `#block` when it spans two chunks. */
  #nextBlock(): number | undefined {
    if (this.#blockFilled === 0 && this.#chunk.length - this.#offset >= BLOCK_BYTES) {
      this.#offset += BLOCK_BYTES;
      return this.#offset - BLOCK_BYTES;
    }
    const part = this.#take(BLOCK_BYTES - this.#blockFilled);
    this.#blockFilled += part.copy(this.#block, this.#blockFilled);
    return this.#blockFilled === BLOCK_BYTES ? 0 : undefined;
  }

  #take(maxBytes: number): Buffer {
    const start = this.#offset;
    this.#offset = Math.min(this.#chunk.length, start + maxBytes);
    return start === 0 && this.#offset === this.#chunk.length
      ? this.#chunk
      : this.#chunk.subarray(start, this.#offset);
  }

  /** Zeros behind the marker fill the last tape record; anything else, such as a second archive, is reported. */
  #countStrayBytes(): void {
    const rest = this.#take(this.#chunk.length);
    if (this.#strayBytes > 0 || !isZeroes(rest)) this.#strayBytes += rest.length;
  }
}
