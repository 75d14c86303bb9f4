import { MAX_SCRIPT_RESULT_BYTES } from "@skein/contract";
import { readTail } from "./read-tail.ts";

export interface ScriptResult {
  text: string;
  /** Whether the beginning was left out. */
  truncated: boolean;
}

const NEWLINE = 0x0a;

/**
 * What the script wrote to its standard output, without one trailing newline; of a longer output the last
 * 256 KiB (contract §10.2). The cut never splits a UTF-8 character [fix 34].
 */
export async function readScriptResult(path: string): Promise<ScriptResult> {
  // One more than is kept: the trailing newline does not count.
  const { bytes, sizeBytes } = await readTail(path, MAX_SCRIPT_RESULT_BYTES + 1);
  const whole = bytes.at(-1) === NEWLINE ? bytes.subarray(0, -1) : bytes;
  const truncated = sizeBytes - (bytes.length - whole.length) > MAX_SCRIPT_RESULT_BYTES;
  const kept = truncated ? fromCharacterBoundary(whole.subarray(-MAX_SCRIPT_RESULT_BYTES)) : whole;
  // `ignoreBOM` keeps a byte order mark, which is part of the output.
  return { text: new TextDecoder("utf-8", { ignoreBOM: true }).decode(kept), truncated };
}

/** Leaves out the continuation bytes of a character whose beginning was cut off; there are at most three. */
function fromCharacterBoundary(bytes: Uint8Array): Uint8Array {
  let start = 0;
  while (start < 3 && ((bytes[start] ?? 0) & 0b1100_0000) === 0b1000_0000) start++;
  return bytes.subarray(start);
}
