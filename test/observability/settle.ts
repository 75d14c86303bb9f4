import { setTimeout as delay } from "node:timers/promises";
import { CONTROLLER_SPANS, SPANS } from "@skein/telemetry";
import type { CollectedSpan } from "../e2e/cluster/collector.ts";
import type { Stack } from "./stack.ts";

const MEASURED = new Set([...Object.keys(SPANS), ...Object.keys(CONTROLLER_SPANS)]);
/** The collector hands its metrics on every 15 s, Prometheus asks every second; the rest is for a busy machine. */
const SETTLE_MS = 120_000;
const POLL_MS = 500;
/** Rules are evaluated every second. */
const RULES_MS = 2_500;

/** The spans that the shipped configuration makes metrics of: not those of programs in the user's containers. */
export function measuredSpans(stack: Stack): CollectedSpan[] {
  return stack.spans().filter(({ name }) => MEASURED.has(name));
}

/**
 * Waits until everything that was sent stands in Prometheus.
 *
 * @returns the time, in seconds since 1970, for which that is so
 * @throws Error with both counts when it never does: then something was lost on the way
 */
export async function settle(stack: Stack, signal: AbortSignal): Promise<number> {
  const deadline = Date.now() + SETTLE_MS;
  let state = "";
  while (Date.now() < deadline) {
    const spans = measuredSpans(stack);
    const transfers = spans.filter(({ name }) => name === "loadArtifact" || name === "saveArtifact");
    const now = Date.now() / 1000;
    const counted = await total(stack, "traces_span_metrics_calls_total", now);
    const moved = await total(stack, "argo_artifact_transfer_duration_seconds_count", now);
    if (counted === spans.length && moved === transfers.length) {
      // What a rule records follows a second later.
      await delay(RULES_MS, undefined, { signal });
      return Date.now() / 1000;
    }
    state = `${spans.length} spans, of which ${counted} are counted; ${transfers.length} transfers, of which ${moved}`;
    await delay(POLL_MS, undefined, { signal });
  }
  throw new Error(`after ${SETTLE_MS / 1000} s there are ${state}`);
}

async function total({ prometheus }: Stack, metric: string, time: number): Promise<number> {
  const [sample] = await prometheus.query(`sum(${metric})`, time);
  return sample?.value ?? 0;
}
