import { open } from "node:fs/promises";
import { fileError } from "./file-error.ts";

export interface Tail {
  bytes: Uint8Array;
  /** Length of the whole file. */
  sizeBytes: number;
}

/**
 * The last bytes of a file. Never holds more than `maxBytes`, however long the file is.
 *
 * @throws ArtifactError with Go's text, `open <path>: no such file or directory` for one
 */
export async function readTail(path: string, maxBytes: number): Promise<Tail> {
  try {
    await using file = await open(path, "r");
    const { size } = await file.stat();
    const start = Math.max(0, size - maxBytes);
    const buffer = Buffer.alloc(size - start);
    let filled = 0;
    while (filled < buffer.length) {
      const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, start + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return { bytes: buffer.subarray(0, filled), sizeBytes: size };
  } catch (error) {
    throw fileError(error, path);
  }
}
