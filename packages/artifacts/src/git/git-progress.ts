import type { BusyStage, StageMeter } from "../stage-clock.ts";

/**
 * Divides the time of a running git among the stages, by what it says it is doing: nothing yet, or the server
 * counting and compressing, is waiting for the first byte; then it receives; then it resolves deltas; then it
 * writes files.
 */
export class GitProgress {
  readonly #meter: StageMeter;
  #stage: BusyStage | undefined;

  constructor(meter: StageMeter) {
    this.#meter = meter;
  }

  /** Whether nothing can go on before the server says something. */
  get isWaitingForServer(): boolean {
    return this.#stage === "first_byte" || this.#stage === "network";
  }

  /** Counts the time of `work`, which begins in `stage` and tells its lines to {@link line}. */
  async during<T>(stage: BusyStage, work: () => Promise<T>): Promise<T> {
    this.#enter(stage);
    try {
      return await work();
    } finally {
      this.#enter(undefined);
    }
  }

  line(text: string): void {
    const stage = stageAfter(text);
    if (stage !== undefined) this.#enter(stage);
  }

  #enter(stage: BusyStage | undefined): void {
    if (stage === this.#stage) return;
    if (this.#stage !== undefined) this.#meter.leave(this.#stage);
    this.#stage = stage;
    if (stage !== undefined) this.#meter.enter(stage);
  }
}

function stageAfter(line: string): BusyStage | undefined {
  const isDone = / done\.?$/.test(line);
  if (line.startsWith("Receiving objects")) return isDone ? "decompress" : "network";
  if (line.startsWith("Resolving deltas")) return isDone ? "disk" : "decompress";
  // Large files, which are fetched while the others are written already.
  if (line.startsWith("Filtering content")) return isDone ? "disk" : "network";
  if (line.startsWith("Updating files")) return "disk";
  if (line.startsWith("HEAD is now at") || line.startsWith("Note: switching")) return "disk";
  // The last that a server has to say; what is left of its pack is counted again as it comes.
  if (line.startsWith("remote: Total ")) return "decompress";
  if (line.startsWith("remote: ") || line.startsWith("From ")) return "first_byte";
  return undefined;
}
