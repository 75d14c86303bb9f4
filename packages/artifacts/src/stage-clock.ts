import { TRANSFER_STAGES, type TransferStage } from "@skein/telemetry";

/**
 * The stages of a transfer, nearest the local disk first. At every moment the wall time belongs to the first of
 * them that is busy, and to `other` when none is: a stage further out only costs time when nothing nearer the
 * disk has work. That is what makes the times add up to the wall time, however much happens at once.
 *
 * `compress_full` beside `compress` says that a disk that is read at the same time is not waited for: no thread is left for what
 * it brings. `disk_behind` is a disk that writes while whoever feeds it goes on: its time is the disk's only where nobody else
 * is busy. `disk` is for one that is waited for.
 */
const BY_NEARNESS = [
  "compress_full",
  "disk",
  "decompress",
  "compress",
  "network",
  "first_byte",
  "retry_wait",
  "list",
  "credentials",
  "disk_behind",
] as const;

export type BusyStage = (typeof BY_NEARNESS)[number];
export type StageName = TransferStage;

/** Every stage, in the order of a report: as a transfer meets them. */
export const STAGE_NAMES: readonly StageName[] = TRANSFER_STAGES;

/** Seconds per stage; they sum to the wall time. */
export type StageTimes = Record<StageName, number>;

/** Where the parts of a transfer say what they are busy with. Calls nest and overlap freely. */
export interface StageMeter {
  enter(stage: BusyStage): void;
  leave(stage: BusyStage): void;
}

/** Divides the wall time of one artifact among the stages of its transfer. Starts running when it is made. */
export class StageClock implements StageMeter {
  readonly #now: () => number;
  readonly #busy = new Map<BusyStage, number>(BY_NEARNESS.map((stage) => [stage, 0]));
  readonly #spentMs = new Map<StageName, number>(STAGE_NAMES.map((stage) => [stage, 0]));
  #current: StageName = "other";
  #since: number;

  /** @param now a monotonic clock in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
    this.#since = now();
  }

  enter(stage: BusyStage): void {
    this.#busy.set(stage, this.#count(stage) + 1);
    this.#settle();
  }

  /** One `leave` ends one `enter`; one too many is ignored, because a wrong meter must not fail a right transfer. */
  leave(stage: BusyStage): void {
    this.#busy.set(stage, Math.max(0, this.#count(stage) - 1));
    this.#settle();
  }

  /** Runs `work` with the stage busy for as long as it takes. */
  async during<T>(stage: BusyStage, work: () => Promise<T>): Promise<T> {
    this.enter(stage);
    try {
      return await work();
    } finally {
      this.leave(stage);
    }
  }

  /** The times up to now. The clock goes on. */
  read(): StageTimes {
    this.#settle();
    const times = {} as StageTimes;
    for (const stage of STAGE_NAMES) times[stage] = (this.#spentMs.get(stage) ?? 0) / 1000;
    return times;
  }

  #count(stage: BusyStage): number {
    return this.#busy.get(stage) ?? 0;
  }

  #settle(): void {
    const now = this.#now();
    this.#spentMs.set(this.#current, (this.#spentMs.get(this.#current) ?? 0) + now - this.#since);
    this.#since = now;
    const busy = BY_NEARNESS.find((stage) => this.#count(stage) > 0) ?? "other";
    this.#current = busy === "disk_behind" ? "disk" : busy === "compress_full" ? "compress" : busy;
  }
}

export function totalSeconds(times: StageTimes): number {
  return STAGE_NAMES.reduce((sum, stage) => sum + times[stage], 0);
}
