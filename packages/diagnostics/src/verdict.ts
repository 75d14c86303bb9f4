import type { PartName, StageSeconds } from "./artifact-transfer.ts";
import { formatBytes, formatCount, formatRate, formatSeconds } from "./html/format.js";

/** What a transfer waited for most. */
export const BOUND_BY = [
  "network",
  "first-byte",
  "decompress",
  "compress",
  "disk",
  "small-files",
  "throttled",
  "stalled",
  "retries",
  "packing",
  "none",
] as const;

export type BoundBy = (typeof BOUND_BY)[number];

/** The executor's own judgement, which is never `packing`; `none` where it gave none, or one this version does not know. */
export function readBoundBy(text: string | undefined): BoundBy {
  return BOUND_BY.find((known) => known === text) ?? "none";
}

/** What each stage is, as what time is spent "on" or by doing. */
export const STAGE_PHRASES: Readonly<Record<PartName, string>> = {
  packing: "packing in main",
  credentials: "getting credentials",
  list: "listing objects",
  first_byte: "waiting for the first byte",
  network: "on the network",
  retry_wait: "waiting between retries",
  decompress: "decompressing",
  compress: "compressing",
  disk: "on the disk",
  other: "on other work",
};

/** The stages of a transfer, or the parts of the whole, the longest first. */
export function longestStages(
  stages: Readonly<Partial<Record<PartName, number>>>,
): { stage: PartName; seconds: number }[] {
  return Object.entries(stages)
    .map(([stage, seconds]) => ({ stage: stage as PartName, seconds }))
    .sort((a, b) => b.seconds - a.seconds);
}

interface Facts {
  direction: "load" | "save";
  bytes: number;
  files: number;
  seconds: number;
  stages: StageSeconds;
  streams: number;
  error?: { type: string; message: string };
}

/** The sentence for a save of what took main longer to pack than it took wait to upload. */
export function judgePacking(
  { unpackedBytes, seconds }: Pick<Facts, "seconds"> & { unpackedBytes: number },
  packingSeconds: number,
  verdict: string,
): string {
  const rate = unpackedBytes > 0 ? ` at ${formatRate(unpackedBytes / packingSeconds)}` : "";
  const [packing, upload] = [packingSeconds, seconds].map(formatSeconds);
  // A verdict that only repeats the seconds says nothing more.
  const how = verdict.startsWith("done in") ? "" : ` (${verdict})`;
  return `packing-bound: main packed it${rate} in ${packing}, and only then it was uploaded in ${upload}${how}`;
}

/** The sentence for a transfer whose trace brings none. Says only what the trace measured. */
export function judge(facts: Facts, boundBy: BoundBy): string {
  const { bytes, files, seconds, stages, streams, error } = facts;
  if (error)
    return `failed after ${formatSeconds(seconds)}: ${[error.type, error.message].filter(Boolean).join(": ")}`;
  const [longest] = longestStages(stages);
  if (!longest || longest.stage === "other") {
    return bytes > 0
      ? `${formatBytes(bytes)} in ${formatSeconds(seconds)}; this trace does not say what the time went into`
      : `took ${formatSeconds(seconds)}; this trace has neither sizes nor stage times`;
  }
  const percent = Math.round((longest.seconds / seconds) * 100);
  const share = `${percent} % of ${formatSeconds(seconds)} spent ${STAGE_PHRASES[longest.stage]}`;
  const how = [
    bytes > 0 && `${formatRate(bytes / seconds)}`,
    streams > 0 && `${streams} ${streams === 1 ? "stream" : "streams"}`,
    files > 1 && `${formatCount(files)} files`,
  ].filter(Boolean);
  return [
    boundBy === "none" ? "" : `${boundBy}-bound: `,
    share,
    how.length > 0 ? ` (${how.join(", ")})` : "",
  ].join("");
}
