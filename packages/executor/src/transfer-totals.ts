import type { TransferReport } from "@skein/artifacts";
import { ATTR } from "@skein/telemetry";

/** What several transfers moved, as attributes of the span above them. */
export function totals(reports: readonly TransferReport[]): Record<string, number> {
  const sum = (field: "bytes" | "files"): number =>
    reports.reduce((total, report) => total + report[field], 0);
  return {
    [ATTR.artifactsCount]: reports.length,
    [ATTR.artifactsBytes]: sum("bytes"),
    [ATTR.artifactsFiles]: sum("files"),
  };
}
