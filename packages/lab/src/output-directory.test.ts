import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { prepareOutputDirectory, releaseOutputDirectory } from "./output-directory.ts";

function temporaryDirectory(): string {
  const path = mkdtempSync(join(tmpdir(), "skein-output-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

describe("prepareOutputDirectory", () => {
  it("replaces what an earlier run left, and nothing else", () => {
    const path = temporaryDirectory();
    const first = prepareOutputDirectory(path);
    writeFileSync(join(first.pods, "old.log"), "old");
    writeFileSync(join(path, "notes.txt"), "mine");
    releaseOutputDirectory(first);
    const second = prepareOutputDirectory(path);
    expect(existsSync(join(second.pods, "old.log"))).toBe(false);
    expect(readFileSync(join(path, "notes.txt"), "utf8")).toBe("mine");
  });

  it("leaves a directory alone that only looks like an earlier run's", () => {
    const path = temporaryDirectory();
    mkdirSync(join(path, "api/src"), { recursive: true });
    writeFileSync(join(path, "api/src/main.go"), "code");
    writeFileSync(join(path, "trace.jsonl"), "{}");
    expect(() => prepareOutputDirectory(path)).toThrow("holds files that are not of an earlier run");
    expect(readFileSync(join(path, "api/src/main.go"), "utf8")).toBe("code");
  });

  it("does not take a directory from a run that is writing it", () => {
    const path = temporaryDirectory();
    prepareOutputDirectory(path);
    expect(() => prepareOutputDirectory(path)).toThrow(`another run (process ${process.pid}) is writing`);
  });

  it("names a place that cannot be a directory", () => {
    const path = temporaryDirectory();
    writeFileSync(join(path, "file"), "");
    expect(() => prepareOutputDirectory(join(path, "file"))).toThrow(
      /^cannot use .*file for the output: EEXIST/,
    );
    expect(() => prepareOutputDirectory(join(path, "file/x"))).toThrow(
      /^cannot use .*x for the output: EEXIST: .*file'$/,
    );
  });

  it("says at once that nothing can be made below /proc, however deep", () => {
    expect(() => prepareOutputDirectory("/proc/skein/out")).toThrow(
      /^cannot use \/proc\/skein\/out for the output: ENOENT/,
    );
  });

  it("makes the directories above it", () => {
    const path = join(temporaryDirectory(), "a/b/c");
    expect(existsSync(prepareOutputDirectory(path).pods)).toBe(true);
  });
});
