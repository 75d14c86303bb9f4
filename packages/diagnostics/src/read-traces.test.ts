import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readTraces } from "./read-traces.ts";
import { buildReport } from "./report.ts";
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

  it("does not take a node that was skipped or omitted for one that failed, whatever its controller says", async () => {
    const trace = createTraceBuilder("skipped");
    for (const [at, phase] of ["Omitted", "Skipped", "Failed: Omitted by hand"].entries()) {
      const attributes = { node_id: phase, node_type: "Skipped" };
      trace.add({ name: "node", at, seconds: 0, attributes, error: { message: phase } });
    }
    const { spans } = await readTraces([await write("skipped.jsonl", trace.jsonLines())]);
    expect(spans.map(({ status }) => status)).toEqual(["unset", "unset", "error"]);
    expect(buildReport(spans)).toMatchObject({
      steps: [{ phase: "Omitted" }, { phase: "Skipped" }, { phase: "Failed" }],
      failures: [{ message: "Failed: Omitted by hand" }],
      totals: { failedSpans: 1 },
    });
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

describe("readTraces, broken by a user", () => {
  it("reads standard input for -, on lines or as one document", async () => {
    const readStdin = async () => twoSpans();
    const { spans } = await readTraces(["-"], { readStdin });
    expect(spans.map(({ name }) => name)).toEqual(["runInitContainer", "stageFiles"]);
    const [first = ""] = twoSpans().split("\n");
    const pretty = async () => JSON.stringify(JSON.parse(first), undefined, 2);
    expect((await readTraces(["-"], { readStdin: pretty })).spans).not.toEqual([]);
    await expect(readTraces(["-"], { readStdin: async () => "" })).rejects.toThrow(/stdin: no spans/);
  });

  it("picks the trace or the workflow asked for out of a file of many, and names what is there instead", async () => {
    const [one, two] = [createTraceBuilder("one"), createTraceBuilder("two")];
    one.add({ name: "workflow", at: 0, seconds: 1, attributes: { name: "wf-one" } });
    two.add({ name: "workflow", at: 0, seconds: 1, attributes: { name: "wf-two" } });
    const path = await write("all.jsonl", one.jsonLines() + two.jsonLines());
    const { spans } = await readTraces([path], { workflow: "wf-two" });
    expect(spans.map(({ attributes }) => attributes.get("name"))).toEqual(["wf-two"]);
    const traceId = spans[0]?.traceId;
    expect((await readTraces([path], { traceId })).spans).toEqual(spans);
    await expect(readTraces([path], { workflow: "wf-three" })).rejects.toThrow(
      /nothing of workflow wf-three there; there is\n.*wf-one\n.*wf-two/,
    );
  });

  it.each([
    ["gzip", gzipSync("{}")],
    ["zstd", Buffer.from("28b52ffd0402000065", "hex")],
  ])("says of a file compressed by %s how to unpack it", async (program, bytes) => {
    const path = join(directory, "packed.jsonl");
    await writeFile(path, bytes);
    await expect(readTraces([path])).rejects.toThrow(`compressed; unpack it first, with ${program} -dc`);
  });
});
