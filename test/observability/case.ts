import type { Checked } from "./check-queries.ts";
import type { Stack } from "./stack.ts";

/** What the cases have in common. They run one after another, and a later one looks at what the earlier ones left. */
export interface World {
  stack: Stack;
  /** For what cases write; not below /tmp, which the lab's containers have one of their own of. */
  directory: string;
  signal: AbortSignal;
  /** Trace ids that had been seen when the second run began. */
  before: Set<string>;
  /** Seconds since 1970: between the first run and the second. */
  between: number;
  /** Of the last check of all queries. */
  checked: Checked[];
}

export interface Case {
  name: string;
  shows: string;
  /** @returns what a person may want to read in the table */
  run(world: World): Promise<string>;
}
