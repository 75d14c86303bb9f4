import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTraces } from "./read-traces.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";
import { TraceReadError } from "./trace-read-error.ts";

let directory = "";

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "skein-traces-"));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function write(name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await writeFile(path, text);
  return path;
}

function twoSpans(): string {
  const trace = createTraceBuilder("two");
  const parent = trace.add({ name: "runInitContainer", at: 0, seconds: 2 });
  trace.add({ name: "stageFiles", at: 1, seconds: 0.5, parent });
  return trace.jsonLines();
}

describe("readTraces", () => {
  it("reads OTLP JSON lines, with Windows line ends, blank lines and a byte order mark too", async () => {
    const plain = await readTraces([await write("a.jsonl", twoSpans())]);
    expect(plain.spans.map((span) => span.name)).toEqual(["runInitContainer", "stageFiles"]);
    expect(plain.warnings).toEqual([]);
    const dressed = `\uFEFF${twoSpans().replaceAll("\n", "\r\n\r\n")}`;
    expect((await readTraces([await write("b.jsonl", dressed)])).spans).toEqual(plain.spans);
  });

  it("reads a single document, on one line or many", async () => {
    const trace = createTraceBuilder("document");
    trace.add({ name: "workflow", at: 0, seconds: 1 });
    const [document] = trace.documents();
    for (const indent of [0, 2]) {
      const path = await write(`document-${indent}.json`, JSON.stringify(document, undefined, indent));
      expect((await readTraces([path])).spans).toMatchObject([{ name: "workflow" }]);
    }
  });

  it("names a bad line by file and number, and keeps the good ones", async () => {
    const path = await write("trace.jsonl", `${twoSpans()}{"resourceSpans":[{"scopeSp`);
    const { spans, warnings } = await readTraces([path]);
    expect(spans).toHaveLength(2);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(`${path}:3: not JSON, line skipped (`);
  });

  it("names a bad first line too", async () => {
    const path = await write("trace.jsonl", `oops\n${twoSpans()}`);
    const { spans, warnings } = await readTraces([path]);
    expect(spans).toHaveLength(2);
    expect(warnings[0]).toMatch(`${path}:1: not JSON`);
  });

  it("counts bad lines beyond the first few instead of naming each", async () => {
    const path = await write("trace.jsonl", twoSpans() + "oops\n".repeat(12));
    const { warnings } = await readTraces([path]);
    expect(warnings).toHaveLength(6);
    expect(warnings.at(-1)).toBe(`${path}: 7 more such lines`);
  });

  it("reads the traces of a directory however deep, and says nothing of other files in it", async () => {
    await mkdir(join(directory, "pods"));
    await write("pods/trace.otlp.json", twoSpans());
    await write("summary.json", '{"name":"ci"}');
    await write("broken.json", "not json");
    await write("trace.html", "<html>");
    const { spans, warnings, files } = await readTraces([directory]);
    expect(spans).toHaveLength(2);
    expect(warnings).toEqual([]);
    expect(files).toEqual([join(directory, "pods/trace.otlp.json")]);
  });

  it("keeps a span that two files hold once, the finished version first", async () => {
    const finished = await write("finished.jsonl", twoSpans());
    const unfinished = await write(
      "unfinished.jsonl",
      twoSpans().replace(/"endTimeUnixNano":"\d+"/, '"endTimeUnixNano":"0"'),
    );
    for (const paths of [
      [finished, unfinished],
      [unfinished, finished],
    ]) {
      const { spans } = await readTraces(paths);
      expect(spans.map((span) => span.unfinished)).toEqual([false, false]);
    }
  });

  it("passes over metrics and logs in the same file", async () => {
    const path = await write("all.jsonl", `{"resourceMetrics":[]}\n${twoSpans()}{"resourceLogs":[]}\n`);
    expect(await readTraces([path])).toMatchObject({ spans: [{}, {}], warnings: [] });
  });

  it("reads lines longer than the pieces a file is read in", async () => {
    const trace = createTraceBuilder("long");
    trace.add({ name: "echo", at: 0, seconds: 1, attributes: { text: "é".repeat(3_000_000) } });
    const { spans } = await readTraces([await write("long.jsonl", trace.jsonLines())]);
    expect(spans[0]?.attributes.get("text")).toHaveLength(3_000_000);
  });

  it("fails on a path that does not exist, by name", async () => {
    const path = join(directory, "nowhere.jsonl");
    await expect(readTraces([path])).rejects.toThrow(
      new TraceReadError(`${path}: no such file or directory`),
    );
  });

  it("fails when there is no span at all, with the reasons", async () => {
    const path = await write("empty.jsonl", "");
    await expect(readTraces([path])).rejects.toThrow(`no spans in ${path}\n  ${path}: no spans in this file`);
  });
});
