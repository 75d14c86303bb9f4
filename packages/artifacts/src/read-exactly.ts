import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { ArtifactError } from "@skein/contract";
import { translateDiskError } from "./node-errors.ts";
import type { StageMeter } from "./stage-clock.ts";

const CHUNK_BYTES = 256 * 1024;

/**
 * The first `sizeBytes` bytes of a file: the length that was promised to the other side. A file that grows is cut
 * there; one that has shrunk is an error that names it.
 *
 * @param options.followLinks default false: what was a file when it was looked at must still be one
 */
export async function* readExactly(
  path: string,
  sizeBytes: number,
  meter: StageMeter,
  options: { followLinks?: boolean } = {},
): AsyncGenerator<Uint8Array> {
  const flags = constants.O_RDONLY | (options.followLinks ? 0 : constants.O_NOFOLLOW);
  const onDisk = async <T>(work: () => Promise<T>): Promise<T> => {
    meter.enter("disk");
    try {
      return await work();
    } catch (error) {
      throw translateDiskError(error, `cannot read ${path}`);
    } finally {
      meter.leave("disk");
    }
  };
  const file = await onDisk(() => open(path, flags));
  try {
    for (let left = sizeBytes; left > 0; ) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, left));
      const { bytesRead } = await onDisk(() => file.read(buffer, 0, buffer.byteLength));
      if (bytesRead === 0) throw shrunk(path, sizeBytes, sizeBytes - left);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

function shrunk(path: string, wanted: number, got: number): ArtifactError {
  return new ArtifactError(`${path} had ${wanted} bytes and ended after ${got} while it was read`, {
    code: "archive.source_changed",
    remedy: "let whatever writes the file finish before the step ends",
  });
}
