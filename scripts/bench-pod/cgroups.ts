import { existsSync, readdirSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";

/** What the kernel charged to one container. */
export interface Charged {
  /** Everything, page cache of its files included. */
  bytes: number;
  /** What is its own and no file's. */
  anonymousBytes: number;
}

/**
 * A control group above that of each container, so that its figures can be read when the container, and its own group,
 * are gone.
 */
export interface Cgroups {
  /** Flags of `podman run`. */
  flags(pod: string, container: string): string[];
  /** Largest sum at any moment, as the kernel counted it. */
  peakBytes(pod: string, container: string): number;
  now(pod: string, container: string): Charged;
  cpuSeconds(pod: string, container: string): number;
  /** Once no container is left. */
  remove(): void;
}

/** @param mount where control groups are mounted: of version 1, or the one hierarchy of version 2 */
export function createCgroups(run: string, mount = "/sys/fs/cgroup"): Cgroups {
  const isV2 = existsSync(join(mount, "cgroup.controllers"));
  const group = (pod: string, container: string): string => join("/", run, pod, container);
  const read = (controller: string, pod: string, container: string, file: string): string =>
    readFileSync(join(mount, isV2 ? "" : controller, group(pod, container), file), "utf8");
  const field = (text: string, name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, "m").exec(text)?.[1] ?? 0);
  return {
    flags: (pod, container) => ["--cgroups=no-conmon", `--cgroup-parent=${group(pod, container)}`],
    peakBytes: (pod, container) =>
      Number(read("memory", pod, container, isV2 ? "memory.peak" : "memory.max_usage_in_bytes")),
    now: (pod, container) => ({
      bytes: Number(read("memory", pod, container, isV2 ? "memory.current" : "memory.usage_in_bytes")),
      anonymousBytes: field(read("memory", pod, container, "memory.stat"), isV2 ? "anon" : "total_rss"),
    }),
    cpuSeconds: (pod, container) =>
      isV2
        ? field(read("", pod, container, "cpu.stat"), "usage_usec") / 1e6
        : Number(read("cpuacct", pod, container, "cpuacct.usage")) / 1e9,
    remove() {
      const hierarchies = isV2 ? [mount] : readdirSync(mount).map((name) => join(mount, name));
      for (const hierarchy of hierarchies) removeGroups(join(hierarchy, run));
    },
  };
}

/** A group can be removed when it has no groups below it; its files are not there to be removed. */
function removeGroups(path: string): void {
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true }))
    if (entry.isDirectory()) removeGroups(join(path, entry.name));
  rmdirSync(path);
}
