import { writeFileSync } from "node:fs";

/** The kubelet keeps the last 4096 bytes of the file; what is said first matters most, so the rest is cut here. */
export const MAX_TERMINATION_MESSAGE_BYTES = 4096;

/**
 * Leaves the reason of an end where the kubelet looks for it (contract §2.4): truncates and rewrites, so the last
 * writer wins. That it cannot be written is said on stderr and otherwise ignored.
 */
export function writeTerminationMessage(
  path: string,
  message: string,
  complain: (text: string) => void,
): void {
  try {
    writeFileSync(path, firstBytes(message, MAX_TERMINATION_MESSAGE_BYTES), { mode: 0o600 });
  } catch (error) {
    complain(`unable to write termination log: ${(error as Error).message}\n`);
  }
}

/** As many whole characters as fit. */
function firstBytes(text: string, maxBytes: number): Uint8Array {
  const bytes = Buffer.from(text);
  if (bytes.length <= maxBytes) return bytes;
  let end = maxBytes;
  while (end > 0 && ((bytes[end] ?? 0) & 0b1100_0000) === 0b1000_0000) end--;
  return bytes.subarray(0, end);
}
