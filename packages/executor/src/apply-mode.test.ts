import { mkdir, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { applyMode } from "./apply-mode.ts";
import { temporaryDirectory } from "./test-support.ts";

async function modeOf(path: string): Promise<number> {
  return (await stat(path)).mode & 0o7777;
}

describe("applyMode", () => {
  let tree = "";
  beforeEach(async () => {
    tree = join(await temporaryDirectory(), "tree");
    await mkdir(join(tree, "sub"), { recursive: true, mode: 0o700 });
    await writeFile(join(tree, "sub/file"), "", { mode: 0o600 });
  });

  it("does nothing unless a mode is given", async () => {
    applyMode(tree, { recurseMode: true });
    expect(await modeOf(join(tree, "sub/file"))).toBe(0o600);
  });

  it("changes the target alone", async () => {
    applyMode(tree, { mode: 0o755 });
    expect(await modeOf(tree)).toBe(0o755);
    expect(await modeOf(join(tree, "sub/file"))).toBe(0o600);
  });

  it("changes everything below with recurseMode, directories included", async () => {
    applyMode(tree, { mode: 0o777, recurseMode: true });
    expect(await modeOf(join(tree, "sub"))).toBe(0o777);
    expect(await modeOf(join(tree, "sub/file"))).toBe(0o777);
  });

  it("uses the low nine bits only", async () => {
    applyMode(join(tree, "sub/file"), { mode: 0o4755 });
    expect(await modeOf(join(tree, "sub/file"))).toBe(0o755);
  });

  it("passes over symbolic links, dangling ones included", async () => {
    const outside = join(tree, "../outside");
    await writeFile(outside, "", { mode: 0o600 });
    await symlink(outside, join(tree, "link"));
    await symlink("gone", join(tree, "dangling"));
    applyMode(tree, { mode: 0o755, recurseMode: true });
    expect(await modeOf(outside)).toBe(0o600);
  });

  it("says what it could not change", () => {
    expect(() => applyMode("/nowhere/x", { mode: 0o644 })).toThrow(
      "chmod /nowhere/x: no such file or directory",
    );
  });
});
