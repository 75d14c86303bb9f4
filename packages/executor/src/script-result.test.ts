import { open, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readScriptResult } from "./script-result.ts";
import { temporaryDirectory } from "./test-support.ts";

const LIMIT = 262_144;

async function resultOf(content: string | Uint8Array) {
  const path = join(await temporaryDirectory(), "stdout");
  await writeFile(path, content);
  return readScriptResult(path);
}

describe("readScriptResult", () => {
  it("drops exactly one trailing newline", async () => {
    expect(await resultOf("42\n")).toEqual({ text: "42", truncated: false });
    expect(await resultOf("42\n\n")).toEqual({ text: "42\n", truncated: false });
    expect(await resultOf("42\r\n")).toEqual({ text: "42\r", truncated: false });
    expect(await resultOf("")).toEqual({ text: "", truncated: false });
  });

  it("keeps an output of exactly 256 KiB and its newline's place", async () => {
    const text = "x".repeat(LIMIT);
    expect(await resultOf(text)).toEqual({ text, truncated: false });
    expect(await resultOf(`${text}\n`)).toEqual({ text, truncated: false });
  });

  it("keeps the end of a longer output", async () => {
    const { text, truncated } = await resultOf(`first${"x".repeat(LIMIT)}last\n`);
    expect(truncated).toBe(true);
    expect(text).toHaveLength(LIMIT);
    expect(text.endsWith("xlast")).toBe(true);
  });

  it("does not begin in the middle of a character [fix 34]", async () => {
    const { text, truncated } = await resultOf(`${"€".repeat(LIMIT / 2)}`);
    expect(truncated).toBe(true);
    expect(text).toBe("€".repeat(Math.floor(LIMIT / 3)));
  });

  it("replaces bytes that are no text instead of failing", async () => {
    expect(await resultOf(Uint8Array.of(0x61, 0xff, 0x62))).toEqual({ text: "a\uFFFDb", truncated: false });
  });

  it("reads the end of a huge file without holding it", async () => {
    const path = join(await temporaryDirectory(), "stdout");
    await using file = await open(path, "w");
    await file.truncate(4 * 1024 ** 3); // sparse
    await file.write("the end", 4 * 1024 ** 3);
    const before = process.memoryUsage().rss;
    const { text } = await readScriptResult(path);
    expect(text.endsWith("the end")).toBe(true);
    expect(process.memoryUsage().rss - before).toBeLessThan(64 * 1024 * 1024);
  });

  it("says which file is missing", async () => {
    await expect(readScriptResult("/nowhere/stdout")).rejects.toThrow(
      "open /nowhere/stdout: no such file or directory",
    );
  });
});
