import { closeSync, fstatSync } from "node:fs";
import { SizelessFile, toRaw } from "@skein/archive";
import type { OpenToSave } from "./driver.ts";
import { translateDiskError } from "./node-errors.ts";
import { type OnGrown, readExactly } from "./read-exactly.ts";
import type { StageMeter } from "./stage-clock.ts";

export interface FileSource {
  /** For people. */
  path: string;
  /** @returns a descriptor, for us to close */
  openFile: () => number;
  meter: StageMeter;
  onGrown?: OnGrown | undefined;
}

export interface FileToSave {
  /** Undefined for a file that does not say how large it is. */
  sizeBytes: number | undefined;
  open: OpenToSave;
}

/**
 * A regular file as it is sent: so many bytes as were promised. A file that says it is empty may be one that the kernel or a FUSE
 * file system makes up: it is sent with what it holds.
 *
 * @throws ArtifactError when a file that says it is empty cannot be read
 */
export function fileToSave(source: FileSource, sizeBytes: number): FileToSave {
  return sizeBytes === 0 ? sizelessToSave(source) : sizedToSave(source, sizeBytes);
}

function sizedToSave({ path, ...options }: FileSource, sizeBytes: number): FileToSave {
  return { sizeBytes, open: (how) => readExactly(path, sizeBytes, { ...options, lends: how?.lends }) };
}

function sizelessToSave(source: FileSource): FileToSave {
  const { path, openFile, meter } = source;
  meter.enter("disk");
  try {
    const fd = openFile();
    try {
      const { size } = fstatSync(fd);
      if (size > 0) return sizedToSave(source, size); // it has been written to since it was listed
      const file = new SizelessFile(fd, toRaw(path));
      if (file.isWhole) return { sizeBytes: file.head.byteLength, open: () => only(file.head) };
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    throw translateDiskError(error, `cannot read ${path}`);
  } finally {
    meter.leave("disk");
  }
  return { sizeBytes: undefined, open: () => toTheEnd(source) };
}

async function* only(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}

async function* toTheEnd({ path, openFile, meter }: FileSource): AsyncGenerator<Uint8Array> {
  const fd = openFile();
  try {
    const file = new SizelessFile(fd, toRaw(path));
    yield file.head;
    const rest = file.rest();
    for (;;) {
      meter.enter("disk");
      const next = await rest.next().finally(() => meter.leave("disk"));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    closeSync(fd);
  }
}

/** `bytes` tells how many the last stream that was opened has brought. */
export function countBytes(open: OpenToSave): { open: OpenToSave; bytes: () => number } {
  let bytes = 0;
  return {
    bytes: () => bytes,
    async *open(how) {
      bytes = 0;
      for await (const chunk of open(how)) {
        bytes += chunk.byteLength;
        yield chunk;
      }
    },
  };
}
