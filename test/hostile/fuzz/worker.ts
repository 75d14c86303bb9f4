/**
 * Tries one input after another until it is killed: `worker.ts SEED CURRENT`. Each is written to the file CURRENT before it
 * is tried, so that whoever watches has it when this process hangs or dies. Tells what happens over IPC.
 */
import { writeFileSync } from "node:fs";
import { createCanary } from "../support/canary.ts";
import { Inputs } from "./inputs.ts";
import { Random } from "./random.ts";
import { tryInput } from "./try-input.ts";

export type Report =
  | { kind: "alive"; runs: number; rssMb: number }
  | { kind: "wrong"; what: string; seed: number };

const [seedText = "1", current = ""] = process.argv.slice(2);
const report = (message: Report): unknown => process.send?.(message);
const inputs = await Inputs.create();
let canary = createCanary();
let toldAtMs = 0;

for (let run = 0; ; run++) {
  const seed = Number(seedText) + run;
  const random = new Random(seed);
  const input = inputs.next(random);
  writeFileSync(`${current}.${input.kind}`, input.bytes);
  const what = await tryInput(input, canary, 1 + random.below(random.oneIn(3) ? 600 : 100_000));
  if (what !== undefined) {
    writeFileSync(`${current}-${seed}.${input.kind}`, input.bytes);
    report({ kind: "wrong", what, seed });
    canary[Symbol.dispose]();
    canary = createCanary();
  }
  if (Date.now() - toldAtMs < 500) continue;
  toldAtMs = Date.now();
  report({ kind: "alive", runs: run + 1, rssMb: Math.round(process.memoryUsage.rss() / 1e6) });
}
