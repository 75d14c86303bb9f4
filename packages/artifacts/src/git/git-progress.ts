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

  /** Counts the time of `work`, which tells its lines to {@link line}. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    this.#enter("first_byte");
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
  if (line.startsWith("Updating files")) return "disk";
  if (line.startsWith("HEAD is now at") || line.startsWith("Note: switching")) return "disk";
  if (line.startsWith("remote: ") || line.startsWith("From ")) return "first_byte";
  return undefined;
}
