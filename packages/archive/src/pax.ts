import { corruptArchive } from "./corrupt-archive.ts";
import type { RawName } from "./raw-name.ts";
import { toText } from "./raw-name.ts";

/** Extended header records by key, values as bytes. An empty value takes an earlier one back. */
export type PaxRecords = Map<string, RawName>;

/**
 * Parses `<length> <key>=<value>\n` records. Strict, because a reader that skips what it does not
 * understand sees another archive than the next one does.
 *
 * @throws ArtifactError `archive.corrupt`
 */
export function parsePaxRecords(bytes: Buffer): PaxRecords {
  const records: PaxRecords = new Map();
  let at = 0;
  while (at < bytes.length) {
    const space = bytes.indexOf(0x20, at);
    const digits = space === -1 ? "" : bytes.toString("latin1", at, space);
    const end = at + Number(digits);
    const isSound = /^[1-9][0-9]{0,9}$/.test(digits) && end <= bytes.length && bytes[end - 1] === 0x0a;
    const equals = bytes.indexOf(0x3d, space);
    if (!isSound || equals <= space + 1 || equals >= end) {
      throw corruptArchive("corrupt tar header: an extended (pax) record is malformed");
    }
    const key = bytes.toString("latin1", space + 1, equals);
    records.set(key, checkedValue(key, bytes.toString("latin1", equals + 1, end - 1)));
    at = end;
  }
  return records;
}

/** A NUL would cut a name short in one reader and not in another. */
function checkedValue(key: string, value: RawName): RawName {
  if ((key === "path" || key === "linkpath") && value.includes("\0")) {
    throw corruptArchive(
      `corrupt tar header: the pax ${key} ${JSON.stringify(toText(value))} contains a NUL`,
    );
  }
  return value;
}

/** A size record: decimal digits only. */
export function parsePaxSize(value: string): number {
  const size = /^[0-9]{1,16}$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isSafeInteger(size)) return size;
  throw corruptArchive(
    `corrupt tar header: the pax size ${JSON.stringify(value)} is not a number we can hold`,
  );
}

/** A time record: seconds since the epoch, with any number of decimals. */
export function parsePaxTime(value: string): number {
  const seconds = /^-?[0-9]{1,16}(?:\.[0-9]*)?$/.test(value) ? Number(value) : Number.NaN;
  if (Number.isFinite(seconds)) return seconds;
  throw corruptArchive(`corrupt tar header: the pax time ${JSON.stringify(value)} is not a number`);
}

/** One record, its length counting itself. */
export function formatPaxRecord(key: string, value: RawName): RawName {
  const rest = ` ${key}=${value}\n`;
  let length = rest.length;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return `${length}${rest}`;
}
