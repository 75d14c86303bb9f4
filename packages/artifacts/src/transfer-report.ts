import type { StageTimes } from "./stage-clock.ts";
import type { BoundBy } from "./verdict.ts";

/** What happened to one artifact: the span's attributes, for callers. */
export interface TransferReport {
  name: string;
  driver: string;
  /** git and raw have none. */
  key?: string;
  /** On the wire. */
  bytes: number;
  unpackedBytes: number;
  files: number;
  seconds: number;
  /** Seconds; they sum to `seconds`. */
  stages: StageTimes;
  boundBy: BoundBy;
  /** One line for people. */
  verdict: string;
  retries: number;
  /** `sha256:<hex>` of the bytes on the wire, when they were one stream. */
  digest?: string;
}
