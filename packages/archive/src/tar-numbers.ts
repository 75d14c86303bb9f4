import { corruptArchive } from "./corrupt-archive.ts";

const DIGIT_0 = 0x30;
const DIGIT_7 = 0x37;
const SPACE = 0x20;

/**
 * A numeric field of a tar header: octal digits between spaces and NULs, or, when the first bit is set,
 * GNU's base-256 (two's complement, big-endian). A blank field is 0.
 *
 * @throws ArtifactError `archive.corrupt` for anything else, and for what a double cannot hold exactly
 */
export function parseTarNumber(block: Buffer, offset: number, length: number, field: string): number {
  const first = block[offset] ?? 0;
  const value = first & 0x80 ? parseBase256(block, offset, length) : parseOctal(block, offset, length);
  if (!Number.isSafeInteger(value)) {
    throw corruptArchive(`corrupt tar header: the field ${field} is not a number we can hold`);
  }
  return value;
}

function parseOctal(block: Buffer, offset: number, length: number): number {
  let at = offset;
  let end = offset + length;
  while (at < end && isBlank(block[at])) at++;
  while (end > at && isBlank(block[end - 1])) end--;
  let value = 0;
  for (; at < end; at++) {
    const digit = block[at] ?? 0;
    // A NUL ends the field; some writers leave the rest of an older, longer number behind it.
    if (digit === 0) break;
    if (digit < DIGIT_0 || digit > DIGIT_7) return Number.NaN;
    value = value * 8 + (digit - DIGIT_0);
  }
  return value;
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === 0;
}

function parseBase256(block: Buffer, offset: number, length: number): number {
  let value = 0n;
  for (let at = offset; at < offset + length; at++) value = (value << 8n) | BigInt(block[at] ?? 0);
  const bits = BigInt(length * 8);
  // The top bit only marks the form; the one below it is the sign.
  const negative = (value >> (bits - 2n)) & 1n;
  const magnitude = BigInt.asUintN(length * 8 - 1, value);
  return Number(negative ? magnitude - (1n << (bits - 1n)) : magnitude);
}

/** Writes `value` as octal digits and a NUL. The caller has made sure that it fits. */
export function writeOctal(block: Buffer, value: number, offset: number, length: number): void {
  block.write(value.toString(8).padStart(length - 1, "0"), offset, length - 1, "latin1");
  block[offset + length - 1] = 0;
}

/** Whether `value` has an octal form of `length` bytes with its NUL. */
export function fitsOctal(value: number, length: number): boolean {
  return Number.isInteger(value) && value >= 0 && value < 8 ** (length - 1);
}
