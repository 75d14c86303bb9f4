import { mkdirSync, writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { describe, expect, it } from "vitest";
import { allowedCores } from "./allowed-cores.ts";
import { temporaryDirectory } from "./testing/temporary-directory.ts";

/** With those files as the container's cgroup, on a host of so many cores. */
function coresWith(files: Record<string, string>, available = 16): number {
  using cgroups = temporaryDirectory();
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(cgroups.join(name)), { recursive: true });
    writeFileSync(cgroups.join(name), text);
  }
  return allowedCores({ cgroups: cgroups.path, available });
}

const v1 = (quota: string, directory = "cpu"): Record<string, string> => ({
  [`${directory}/cpu.cfs_quota_us`]: `${quota}\n`,
  [`${directory}/cpu.cfs_period_us`]: "100000\n",
});

describe("allowedCores", () => {
  it.each([
    ["no limit", "max 100000\n", 16],
    ["two cores", "200000 100000\n", 2],
    ["a core and a half", "150000 100000\n", 2],
    ["a tenth of a core, the least one", "10000 100000\n", 1],
    ["another period", "150000 50000\n", 3],
    ["more than the host has", "6400000 100000\n", 16],
    ["something else", "garbage\n", 16],
    ["nothing", "", 16],
  ])("reads cpu.max of cgroup v2: %s", (_what, text, cores) => {
    expect(coresWith({ "cpu.max": text })).toBe(cores);
  });

  it.each([
    ["no limit", "-1", 16],
    ["two cores", "200000", 2],
    ["a core and a half", "150000", 2],
    ["half a core", "50000", 1],
  ])("reads the quota of cgroup v1: %s", (_what, quota, cores) => {
    expect(coresWith(v1(quota))).toBe(cores);
    expect(coresWith(v1(quota, "cpu,cpuacct"))).toBe(cores);
  });

  it("goes by the affinity where there are no cgroups, and where they allow more", () => {
    expect(coresWith({}, 3)).toBe(3);
    expect(coresWith({ "cpu.max": "800000 100000" }, 3)).toBe(3);
  });

  it("asks this machine by default", () => {
    expect(allowedCores()).toBeGreaterThanOrEqual(1);
    expect(allowedCores()).toBeLessThanOrEqual(availableParallelism());
  });
});
