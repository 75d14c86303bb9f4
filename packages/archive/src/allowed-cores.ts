import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

/** Where a container finds what it may use; the limits of its own group are at the top. */
const CGROUPS = "/sys/fs/cgroup";

/**
 * How many cores this container may keep busy: those its affinity leaves it, and no more than its CPU limit, of which a part of
 * a core counts as one. A thread more than that would only wait its turn until the kernel lets the container go on.
 * (libuv, behind `availableParallelism`, reads limits of cgroup v2 only, and rounds down.)
 *
 * Sources: `cpu.max` of https://docs.kernel.org/admin-guide/cgroup-v2.html#cpu-interface-files, `cpu.cfs_quota_us` and
 * `cpu.cfs_period_us` of https://docs.kernel.org/scheduler/sched-bwc.html
 */
export function allowedCores(parts: { cgroups?: string; available?: number } = {}): number {
  const { cgroups = CGROUPS, available = availableParallelism() } = parts;
  const limit = readLimitV2(cgroups) ?? readLimitV1(cgroups) ?? available;
  return Math.max(Math.min(Math.ceil(limit), available), 1);
}

/** `QUOTA PERIOD` in microseconds; the quota is `max` where there is none. */
function readLimitV2(cgroups: string): number | undefined {
  const [quota, period] = readText(join(cgroups, "cpu.max"))?.split(" ") ?? [];
  return ratio(quota, period);
}

/** A quota of -1 is none. The controller is mounted alone or together with the accounting. */
function readLimitV1(cgroups: string): number | undefined {
  for (const controller of ["cpu", "cpu,cpuacct"]) {
    const directory = join(cgroups, controller);
    const quota = readText(join(directory, "cpu.cfs_quota_us"));
    if (quota !== undefined) return ratio(quota, readText(join(directory, "cpu.cfs_period_us")));
  }
  return undefined;
}

function ratio(quota: string | undefined, period: string | undefined): number | undefined {
  const cores = Number(quota) / Number(period);
  return cores > 0 && Number.isFinite(cores) ? cores : undefined;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // no such controller here, so no limit of its
  }
}
