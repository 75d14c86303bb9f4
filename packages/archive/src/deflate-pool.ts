import { BusyStage } from "./busy-stage.ts";
import { Compressor } from "./compressor.ts";
import type { CompressSlots } from "./deflate-blocks.ts";
import type { StageMeter } from "./stage-meter.ts";

/** Deflates small pieces, each to a stream of its own, with a few compressors in turn. */
export class DeflatePool {
  readonly #compressors: Compressor[];
  readonly #busy: BusyStage;
  readonly #slots: CompressSlots | undefined;
  #turn = 0;

  constructor(size: number, { meter, slots }: { meter: StageMeter; slots: CompressSlots | undefined }) {
    const options = { ends: "finish", chunkBytes: 64 * 1024 } as const;
    this.#compressors = Array.from({ length: size }, () => new Compressor(options));
    this.#busy = new BusyStage(meter, "compress");
    this.#slots = slots;
  }

  /** @param bytes as much as a {@link Compressor} takes */
  async deflate(bytes: Buffer): Promise<Buffer> {
    const compressor = this.#compressors[this.#turn++ % this.#compressors.length];
    this.#busy.begin();
    try {
      const deflate = async (): Promise<Buffer[]> => (await compressor?.deflate(bytes)) ?? [];
      const pieces = await (this.#slots ? this.#slots.use(deflate) : deflate());
      return pieces.length === 1 && pieces[0] !== undefined ? pieces[0] : Buffer.concat(pieces);
    } finally {
      this.#busy.end();
    }
  }

  close(): void {
    for (const compressor of this.#compressors) compressor.close();
  }
}
