import { statfsSync } from "node:fs";
import { ArtifactError } from "@skein/contract";
import { explainingDisk } from "./disk-error.ts";
import { type RawName, toText } from "./raw-name.ts";
import { limitExceeded, type UnpackLimits } from "./unpack-limits.ts";

/** Others write to the volume as well, so what it said is good for no more than this. */
const ASK_AGAIN_AFTER_BYTES = 64 * 1024 ** 2;

/** Files take whole blocks, and even an empty one takes something. */
const BLOCK_BYTES = 4096;

/** Asks the volume before a file is begun whether it will fit, so that what cannot fit fails before the volume is full. */
export class FreeSpace {
  readonly #root: string;
  readonly #limits: UnpackLimits;
  /** May be written before the volume is asked again. */
  #leftBytes = 0;

  constructor(root: string, limits: UnpackLimits) {
    this.#root = root;
    this.#limits = limits;
  }

  /** @throws ArtifactError `disk.full`, or `archive.limit_exceeded` when less than `minFreeBytes` would be left */
  require(name: RawName, bytes: number): void {
    const takenBytes = (Math.floor(bytes / BLOCK_BYTES) + 1) * BLOCK_BYTES;
    if (takenBytes <= this.#leftBytes) {
      this.#leftBytes -= takenBytes;
      return;
    }
    const { bavail, bsize, blocks } = explainingDisk(
      () => `cannot see how much is free in ${this.#root}`,
      () => statfsSync(this.#root),
    );
    // Some network file systems report no size at all.
    const freeBytes = blocks === 0 ? Number.POSITIVE_INFINITY : bavail * bsize;
    const what = `${toText(name)} has ${bytes} bytes, ${freeBytes} are free in ${this.#root}`;
    if (bytes > freeBytes) {
      throw new ArtifactError(`the volume is too small: ${what}`, {
        code: "disk.full",
        remedy: "Give the volume more space, or the pod more ephemeral storage.",
      });
    }
    const { minFreeBytes } = this.#limits;
    if (freeBytes - bytes < minFreeBytes) throw limitExceeded("minFreeBytes", this.#limits, what);
    this.#leftBytes = Math.min(freeBytes - minFreeBytes - takenBytes, ASK_AGAIN_AFTER_BYTES);
  }
}
