import { availableParallelism, loadavg } from "node:os";

/** Processes that wait for each processor on a machine that runs nothing but this suite. */
const OWN_LOAD = 2;
const MOST = 6;

/**
 * How many times longer than on a quiet machine things take just now: 1 to 6. For the times within which a pod has to
 * get somewhere, a deadline that has to come after main has begun, say. Never for what is measured.
 */
export function slowness(): number {
  const [lastMinute = 0] = loadavg();
  return Math.min(MOST, Math.max(1, lastMinute / availableParallelism() / OWN_LOAD));
}
