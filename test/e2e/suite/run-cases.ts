import { join } from "node:path";
import type { ControllerVersion } from "../controller/versions.ts";
import type { RunningPod } from "../node/kubelet.ts";
import type { Case, CaseContext } from "./case.ts";
import { keepEvidence } from "./evidence.ts";
import { runStep, type StepEnd } from "./run-step.ts";
import { slowness } from "./slowness.ts";
import type { World } from "./world.ts";

/** A case for pods of one version. */
export interface Planned {
  test: Case;
  version: ControllerVersion;
}

export interface Outcome extends Planned {
  seconds: number;
  /** `undefined` when it passed. */
  error?: unknown;
  /** Where what a failed case left is kept. */
  evidence?: string;
}

export interface RunOptions {
  /** How many cases run at a time. */
  jobs: number;
  /** What failed cases leave is kept in a directory of it for each of them. */
  evidence: string;
  /** Told of each case as it ends. */
  onOutcome: (outcome: Outcome) => void;
  /** Ends the run before the next case. */
  signal: AbortSignal;
}

/** Runs the cases side by side, and after them those that want to be alone. */
export async function runCases(
  world: World,
  plan: readonly Planned[],
  options: RunOptions,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const runOne = async (planned: Planned): Promise<void> => {
    const outcome = await runCase(world, planned, options.evidence);
    if (options.signal.aborted) return;
    outcomes.push(outcome);
    options.onOutcome(outcome);
  };
  const shared = plan.filter(({ test }) => !test.isExclusive);
  const worker = async (): Promise<void> => {
    for (let next = shared.shift(); next && !options.signal.aborted; next = shared.shift())
      await runOne(next);
  };
  const ends = await Promise.allSettled(Array.from({ length: options.jobs }, worker));
  // Only now: the world may not end below the cases of the others.
  for (const end of ends) if (end.status === "rejected") throw end.reason;
  for (const planned of plan.filter(({ test }) => test.isExclusive)) {
    if (!options.signal.aborted) await runOne(planned);
  }
  return outcomes;
}

/** Pods end by themselves; this is for those that do not. */
const TIMEOUT_MS = 120_000;

async function runCase(world: World, { test, version }: Planned, evidence: string): Promise<Outcome> {
  const pods: { name: string; running?: RunningPod; end?: StepEnd }[] = [];
  const context: CaseContext = {
    world,
    version,
    async step(request) {
      const kept: (typeof pods)[number] = { name: "" };
      pods.push(kept);
      const end = await runStep(world, version, {
        ...request,
        onPod: (running) => {
          kept.name = running.name;
          kept.running = running;
          request.onPod?.(running);
        },
      });
      kept.end = end;
      return end;
    },
  };
  const start = performance.now();
  const seconds = (): number => (performance.now() - start) / 1000;
  try {
    await withTimeout(test.run(context), (test.timeoutMs ?? TIMEOUT_MS) * slowness());
    return { test, version, seconds: seconds() };
  } catch (error) {
    const directory = join(evidence, `${test.name}-${version.name}-${version.layout}`);
    keepEvidence(world, directory, error, pods);
    return { test, version, seconds: seconds(), error, evidence: directory };
  } finally {
    for (const { running } of pods) if (running) await world.kubelet.remove(running);
  }
}

async function withTimeout(work: Promise<void>, timeoutMs: number): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new Error(`the case did not end within ${Math.round(timeoutMs / 1000)} s`)),
    timeoutMs,
  );
  try {
    await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
