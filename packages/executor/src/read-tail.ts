import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ArtifactError } from "@skein/contract";
import { fileError } from "./file-error.ts";

export interface Tail {
  bytes: Uint8Array;
  /** Length of the whole file. */
  sizeBytes: number;
}

/**
 * The last bytes of a file. Never holds more than `maxBytes`, however long the file is.
 *
 * @throws ArtifactError with Go's text, `open <path>: no such file or directory` for one; also for what is no file
 */
export async function readTail(path: string, maxBytes: number): Promise<Tail> {
  try {
    // A pipe that nobody writes to would otherwise keep us in `open` for ever.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const facts = await file.stat();
    if (!facts.isFile() && !facts.isDirectory()) {
      throw new ArtifactError(`open ${path}: it is a pipe, a socket or a device, and not a file`, {
        code: "disk.failed",
      });
    }
    const { size } = facts;
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
