import { execFileSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { readElf, removeSymbols } from "../../images/elf.ts";

const front = join(import.meta.dirname, "../../dist/argoexec/bin/argoexec");

function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "skein-elf-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

describe("readElf", () => {
  it("finds the loader and the libraries that ldd finds", () => {
    const elf = readElf(readFileSync(process.execPath));
    const listed = execFileSync("ldd", [process.execPath], { encoding: "utf8" });
    expect(elf?.interpreter).toMatch(/^\/lib(64)?\/ld-linux/);
    expect(elf?.needed).toContain("libc.so.6");
    for (const name of elf?.needed ?? []) expect(listed).toContain(name);
  });

  it("finds neither in a static program, and nothing in a text", () => {
    expect(readElf(readFileSync(front))).toMatchObject({ interpreter: undefined, needed: [] });
    expect(readElf(Buffer.from("#!/bin/sh\n"))).toBeUndefined();
  });
});

describe("removeSymbols", () => {
  it("leaves a program that runs, and that cannot be made smaller in this way", () => {
    const path = join(temporaryDirectory(), "node");
    copyFileSync(process.execPath, path);
    removeSymbols(path);
    const { size } = statSync(path);
    expect(size).toBeLessThan(statSync(process.execPath).size);
    expect(execFileSync(path, ["-p", "1 + 1"], { encoding: "utf8" })).toBe("2\n");
    removeSymbols(path);
    expect(statSync(path).size).toBe(size);
  });

  it("leaves a text alone", () => {
    const path = join(temporaryDirectory(), "text");
    writeFileSync(path, "text");
    removeSymbols(path);
    expect(readFileSync(path, "utf8")).toBe("text");
  });
});
