import type { TransferReport } from "./transfer-report.ts";
import { grouped, rate } from "./verdict.ts";

/**
 * One line for people: `Loaded artifact source from s3: 405.0 MB, 1 file (512.0 MB), 2.91 s, 139 MB/s,
 * decompress-bound: unpacked at 176 MB/s`.
 */
export function summaryLine(direction: "load" | "save", report: TransferReport): string {
  const { name, driver, bytes, unpackedBytes, files, seconds, retries, verdict } = report;
  const done = direction === "load" ? `Loaded artifact ${name} from` : `Saved artifact ${name} to`;
  const unpacked = unpackedBytes === bytes ? "" : ` (${size(unpackedBytes)})`;
  const parts = [
    size(bytes),
    `${grouped(files)} ${files === 1 ? "file" : "files"}${unpacked}`,
    `${seconds.toFixed(2)} s`,
    rate(bytes, seconds),
    ...(retries > 0 ? [retries === 1 ? "1 retry" : `${retries} retries`] : []),
    verdict,
  ];
  return `${done} ${driver}: ${parts.join(", ")}`;
}

/** `405.0 MB`, in decimal units. */
function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.95 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value.toFixed(1)} ${units[unit]}`;
}
