/**
 * A file name as the kernel and a tar header know it: bytes, here one character per byte (latin1).
 * Decoding as UTF-8 would make names that are not UTF-8 collide or change; in this form they pass
 * through unharmed, and sorting compares bytes as Go and GNU tar do.
 */
export type RawName = string;

const BEYOND_ASCII = /[\u0080-\uffff]/;

/** Text, such as a path from a template, as bytes. */
export function toRaw(text: string): RawName {
  return BEYOND_ASCII.test(text) ? Buffer.from(text, "utf8").toString("latin1") : text;
}

/** For people and for reports: bytes that are not UTF-8 become U+FFFD. */
export function toText(name: RawName): string {
  return BEYOND_ASCII.test(name) ? Buffer.from(name, "latin1").toString("utf8") : name;
}

/** For calls of node:fs, which would encode a string with bytes above 0x7f a second time. */
export function toPath(name: RawName): string | Buffer {
  return BEYOND_ASCII.test(name) ? Buffer.from(name, "latin1") : name;
}
