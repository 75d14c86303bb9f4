import { describe, expect, it } from "vitest";
import { STAGE_NAMES, type StageTimes } from "./stage-clock.ts";
import { summaryLine } from "./summary-line.ts";
import type { TransferReport } from "./transfer-report.ts";

const REPORT: TransferReport = {
  name: "source",
  driver: "s3",
  bytes: 405_000_000,
  unpackedBytes: 512_000_000,
  files: 1,
  seconds: 2.91,
  stages: Object.fromEntries(STAGE_NAMES.map((stage) => [stage, 0])) as StageTimes,
  boundBy: "decompress",
  verdict: "decompress-bound: unpacked at 176 MB/s",
  retries: 0,
};

describe("summaryLine", () => {
  it("says what was moved, how fast, and what it waited for", () => {
    expect(summaryLine("load", REPORT)).toBe(
      "Loaded artifact source from s3: 405.0 MB, 1 file (512.0 MB), 2.91 s, 139 MB/s, " +
        "decompress-bound: unpacked at 176 MB/s",
    );
  });

  it("leaves out what would be said twice, and says what went wrong", () => {
    const report = { ...REPORT, bytes: 12, unpackedBytes: 12, files: 41_203, retries: 2, seconds: 1 };
    expect(summaryLine("save", report)).toBe(
      "Saved artifact source to s3: 12 B, 41 203 files, 1.00 s, 0.0 MB/s, 2 retries, " +
        "decompress-bound: unpacked at 176 MB/s",
    );
  });
});
