import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createCgroups } from "./cgroups.ts";

let mount: string;
beforeEach(() => {
  mount = mkdtempSync(join(tmpdir(), "skein-cgroups-"));
});
afterEach(() => rmSync(mount, { recursive: true }));

function file(path: string, content: string): void {
  mkdirSync(dirname(join(mount, path)), { recursive: true });
  writeFileSync(join(mount, path), content);
}

describe("createCgroups", () => {
  it("reads what the kernel counted in version 1", () => {
    file("memory/run/p/main/memory.max_usage_in_bytes", "300\n");
    file("memory/run/p/main/memory.usage_in_bytes", "200\n");
    file("memory/run/p/main/memory.stat", "rss 1\ntotal_cache 50\ntotal_rss 100\n");
    file("cpuacct/run/p/main/cpuacct.usage", "1500000000\n");
    const cgroups = createCgroups("run", mount);
    expect(cgroups.peakBytes("p", "main")).toBe(300);
    expect(cgroups.now("p", "main")).toEqual({ bytes: 200, anonymousBytes: 100 });
    expect(cgroups.cpuSeconds("p", "main")).toBe(1.5);
  });

  it("reads what the kernel counted in version 2", () => {
    file("cgroup.controllers", "cpu memory\n");
    file("run/p/main/memory.peak", "300\n");
    file("run/p/main/memory.current", "200\n");
    file("run/p/main/memory.stat", "anon 100\nfile 50\n");
    file("run/p/main/cpu.stat", "usage_usec 1500000\nuser_usec 1\n");
    const cgroups = createCgroups("run", mount);
    expect(cgroups.peakBytes("p", "main")).toBe(300);
    expect(cgroups.now("p", "main")).toEqual({ bytes: 200, anonymousBytes: 100 });
    expect(cgroups.cpuSeconds("p", "main")).toBe(1.5);
  });

  it("removes the groups of its run in each hierarchy, and no others", () => {
    for (const path of ["memory/run/p/main", "pids/run/p/main", "memory/other"])
      mkdirSync(join(mount, path), { recursive: true });
    createCgroups("run", mount).remove();
    expect(existsSync(join(mount, "memory/run"))).toBe(false);
    expect(existsSync(join(mount, "pids/run"))).toBe(false);
    expect(existsSync(join(mount, "memory/other"))).toBe(true);
  });
});
