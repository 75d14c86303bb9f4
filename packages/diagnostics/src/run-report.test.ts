import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ReportCommand, runReport } from "./run-report.ts";
import { ciCheckoutTrace } from "./testing/ci-checkout-trace.ts";
import { createTraceBuilder } from "./testing/trace-builder.ts";

let directory = "";
let tracePath = "";

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "skein-report-"));
  tracePath = join(directory, "trace.jsonl");
  await writeFile(tracePath, ciCheckoutTrace().jsonLines());
});

afterAll(() => rm(directory, { recursive: true }));

async function run(command: ReportCommand, terminal: { isTTY?: boolean; columns?: number } = {}) {
  const output = { stdout: "", stderr: "" };
  const sink = (name: keyof typeof output) => ({
    ...terminal,
    write: (text: string) => {
      output[name] += text;
    },
  });
  const exitCode = await runReport(command, { stdout: sink("stdout"), stderr: sink("stderr") });
  return { exitCode, ...output };
}

describe("skein report", () => {
  it("prints steps, waterfall, transfers, failures and totals, in this order", async () => {
    const { exitCode, stdout, stderr } = await run({ paths: [tracePath] });
    expect([exitCode, stderr]).toEqual([0, ""]);
    const headings = stdout
      .split("\n")
      .filter((line) => /^(Steps|Waterfall|Load against|Failures|In all)/.test(line));
    expect(headings.map((line) => line.split(/ {2}|:/)[0])).toEqual([
      "Steps",
      "Waterfall",
      "Load against save",
      "Failures",
      "In all",
    ]);
    expect(stdout).not.toContain("\u001b");
  });

  it("uses colour and the whole width on a terminal only, unless told otherwise", async () => {
    const terminal = { isTTY: true, columns: 120 };
    expect((await run({ paths: [tracePath] }, terminal)).stdout).toContain("\u001b[");
    expect((await run({ paths: [tracePath], color: false }, terminal)).stdout).not.toContain("\u001b[");
    const widest = (text: string) => Math.max(...text.split("\n").map((line) => line.length));
    expect(widest((await run({ paths: [tracePath], color: false }, terminal)).stdout)).toBeGreaterThan(100);
    expect(widest((await run({ paths: [tracePath] })).stdout)).toBeLessThanOrEqual(80);
  });

  it("prints JSON in the shape that is promised", async () => {
    const { exitCode, stdout } = await run({ paths: [tracePath], json: true });
    expect(exitCode).toBe(0);
    const { artifacts } = JSON.parse(stdout);
    expect(artifacts).toHaveLength(5);
    for (const artifact of artifacts) {
      const { stages, seconds } = artifact;
      expect(artifact).toMatchObject({
        name: expect.any(String),
        node: expect.stringMatching(/^ci-checkout-x7k2p\./),
        direction: expect.stringMatching(/^(load|save)$/),
        driver: expect.stringMatching(/^(s3|git)$/),
        bytes: expect.any(Number),
        unpackedBytes: expect.any(Number),
        files: expect.any(Number),
        boundBy: expect.stringMatching(/^(network|compress|retries)$/),
        verdict: expect.stringMatching(/./),
      });
      const sum = Object.values<number>(stages).reduce((total, value) => total + value, 0);
      expect(sum).toBeCloseTo(seconds, 9);
    }
  });

  it("writes the page, and says where", async () => {
    const html = join(directory, "trace.html");
    const { exitCode, stdout } = await run({ paths: [tracePath], html });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/The page: .*trace\.html\n$/);
    expect(await readFile(html, "utf8")).toMatch(/^<!doctype html>/);
  });

  it("names bad lines on standard error and reports the rest", async () => {
    const path = join(directory, "cut.jsonl");
    await writeFile(path, `${ciCheckoutTrace().jsonLines()}{"resourceSp`);
    const { exitCode, stderr, stdout } = await run({ paths: [path], json: true });
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(`skein: ${path}:78: not JSON, line skipped`);
    expect(JSON.parse(stdout).totals.spans).toBe(77);
  });

  it.each([
    [
      "a file that does not exist",
      () => [join(directory, "nowhere.jsonl")],
      /nowhere\.jsonl: no such file or directory/,
    ],
    ["no files", () => [], /no spans in no files/],
  ])("ends with 2 and one line about %s", async (_what, paths, message) => {
    const { exitCode, stdout, stderr } = await run({ paths: paths() });
    expect([exitCode, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split("\n")).toHaveLength(1);
  });

  it("ends with 2 when the page cannot be written, after it has printed the report", async () => {
    const { exitCode, stdout, stderr } = await run({
      paths: [tracePath],
      html: join(directory, "no/such/folder.html"),
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/ENOENT.*folder\.html/);
    expect(stdout).toBe((await run({ paths: [tracePath] })).stdout);
  });

  it("is not stretched by a file with an absurd time, and says whose it is", async () => {
    const path = join(directory, "absurd.jsonl");
    const text = ciCheckoutTrace().jsonLines();
    const first = /"startTimeUnixNano":"\d+"/.exec(text)?.[0] ?? "";
    await writeFile(path, text.replace(first, '"startTimeUnixNano":"0"'));
    const html = join(directory, "absurd.html");
    const { stdout } = await run({ paths: [path], html });
    expect(stdout).toMatch(/^! \S+ [^!]*: its\s+clock\s+says\s+1970-01-01T00:00:00Z\s+to\s+2026-01-15/m);
    const plain = JSON.parse((await run({ paths: [tracePath], json: true })).stdout);
    const report = JSON.parse((await run({ paths: [path], json: true })).stdout);
    expect(report.traces[0].seconds).toBeLessThanOrEqual(plain.traces[0].seconds);
    expect(await readFile(html, "utf8")).toContain("its clock says 1970-01-01T00:00:00Z");
  });

  it("reports on a trace of upstream's executor with what it has", async () => {
    const builder = createTraceBuilder("upstream");
    const workflow = builder.add({
      name: "workflow",
      at: 0,
      seconds: 9,
      attributes: { name: "hello" },
      ok: true,
    });
    const attributes = { name: "hello", node_id: "hello", node_type: "Pod" };
    const node = builder.add({ name: "node", at: 0, seconds: 9, parent: workflow, attributes, ok: true });
    const pod = builder.add({
      name: "createWorkflowPod",
      at: 0,
      seconds: 0.1,
      parent: node,
      attributes: { node_id: "hello" },
    });
    const init = builder.add({
      name: "runInitContainer",
      at: 1,
      seconds: 3,
      parent: pod,
      attributes: { name: "hello" },
    });
    const loads = builder.add({ name: "loadArtifacts", at: 1, seconds: 3, parent: init });
    builder.add({
      name: "loadArtifact",
      at: 1,
      seconds: 2,
      parent: loads,
      attributes: { path: "/tmp/message" },
    });
    const path = join(directory, "upstream.jsonl");
    await writeFile(path, builder.jsonLines());
    const { exitCode, stdout } = await run({ paths: [path], json: true });
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      steps: [{ node: "hello", phase: "Succeeded", initSeconds: 3 }],
      artifacts: [
        {
          name: "message",
          node: "hello",
          driver: "unknown",
          bytes: 0,
          boundBy: "none",
          stages: { other: 2 },
        },
      ],
    });
  });
});
