import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { runCommandLine } from "./command-line.ts";
import type { Host } from "./host.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "skein-command-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

let stdin = "";
let variables: Record<string, string> = {};
beforeEach(() => {
  variables = {};
});

/** What a command that ends the process by itself throws here instead. */
class Exit extends Error {
  readonly code: number;

  constructor(code: number) {
    super(`exit code ${code}`);
    this.code = code;
  }
}

async function skein(...args: string[]): Promise<{ exitCode: number; stdout: string; stderr: string }> {
  let stdout = "";
  let stderr = "";
  const host: Host = {
    stdout: { write: (text) => (stdout += text) },
    stderr: { write: (text) => (stderr += text) },
    environment: { PATH: process.env.PATH, HOME: directory, ...variables },
    version: "1.2.3",
    directory,
    workingDirectory: directory,
    readStdin: async () => stdin,
    onSignal: () => undefined,
    exit: (code) => {
      throw new Exit(code);
    },
  };
  const exitCode = await runCommandLine(args, host).catch((error: unknown) => {
    if (error instanceof Exit) return error.code;
    throw error;
  });
  return { exitCode, stdout, stderr };
}

const SPAN = {
  traceId: "1".repeat(32),
  spanId: "2".repeat(16),
  name: "loadArtifact",
  kind: 1,
  startTimeUnixNano: "1000000000",
  endTimeUnixNano: "3000000000",
  attributes: [
    { key: "argo.artifact.name", value: { stringValue: "source" } },
    { key: "argo.artifact.driver", value: { stringValue: "s3" } },
    { key: "argo.artifact.bytes", value: { intValue: "4000000" } },
  ],
};

describe("skein report", () => {
  it("prints what a trace says as JSON, and writes the page", async () => {
    const line = JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [SPAN] }] }] });
    const html = join(directory, "page.html");
    const { exitCode, stdout } = await skein(
      "report",
      write("trace.jsonl", `${line}\n`),
      "--json",
      "--html",
      html,
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).artifacts).toMatchObject([
      { name: "source", direction: "load", driver: "s3", bytes: 4_000_000, seconds: 2 },
    ]);
  });

  it("ends with 2 when there is nothing to report", async () => {
    expect((await skein("report", join(directory, "none.jsonl"))).exitCode).toBe(2);
  });
});

describe("skein run", () => {
  it("names what is wrong in a file by line and column", async () => {
    const { exitCode, stderr } = await skein(
      "run",
      write("wf.yaml", "kind: Workflow\nmetadata: {}\nspec: {}\napiVersion: argoproj.io/v1alpha1\n"),
    );
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      [
        `${directory}/wf.yaml:3:1: a workflow's spec needs "entrypoint"`,
        `${directory}/wf.yaml:3:1: a workflow's spec needs "templates"`,
        "",
      ].join("\n"),
    );
  });

  it("says how to get the executor that is not there, once the file is right", async () => {
    const file = write(
      "wf.yaml",
      "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, templates: [{name: m, container: {command: [x]}}]}\n",
    );
    const { exitCode, stderr } = await skein("run", file);
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringMatching(/^there is no executor at .*; run make build\n$/),
    ]);
  });

  it("takes a parameter's value as it is, whatever signs are in it", async () => {
    const file = write(
      "wf.yaml",
      "apiVersion: argoproj.io/v1alpha1\nkind: Workflow\nmetadata: {name: wf}\nspec: {entrypoint: m, arguments: {parameters: [{name: a, enum: ['x=y,z']}]}, templates: [{name: m, container: {command: [x]}}]}\n",
    );
    expect((await skein("run", file, "-p", "a=x=y,z")).stderr).toMatch(/^there is no executor/);
    expect((await skein("run", file, "-p", "a=x")).stderr).toContain('must be one of x=y,z, not "x"');
  });

  it.each([
    ["a file that is not there", ["run", "nope.yaml"], /no such file or directory/],
    ["a parameter without a value", ["run", "wf.yaml", "-p", "a"], /must look like name=value/],
    ["an option it does not know", ["run", "wf.yaml", "--fast"], /unknown option '--fast'/],
    ["a command it does not know", ["walk"], /unknown command 'walk'/],
    ["no file", ["run"], /missing required argument 'file'/],
  ])("ends with 2 for %s", async (_what, args, complaint) => {
    const { exitCode, stderr } = await skein(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(complaint)]);
  });

  it("says which version it is", async () => {
    expect(await skein("--version")).toEqual({ exitCode: 0, stdout: "1.2.3\n", stderr: "" });
  });

  it("prints its help and ends with 0", async () => {
    const { exitCode, stdout } = await skein("run", "--help");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("--out <directory>")]);
  });
});

const WORKFLOW = `
kind: List
items:
- kind: Workflow
  metadata: {name: wf, namespace: argo, uid: 0f9c2f55-8a9b-4b7e-9d0e-1a2b3c4d5e6f, creationTimestamp: 2026-01-01T12:00:00Z}
  spec: {}
  status:
    phase: Succeeded
    startedAt: 2026-01-01T12:00:02Z
    finishedAt: 2026-01-01T12:00:09Z
    nodes: {wf: {id: wf, name: wf, type: Pod, phase: Succeeded, startedAt: 2026-01-01T12:00:02Z, finishedAt: 2026-01-01T12:00:09Z}}
`;

describe("skein trace", () => {
  it("appends the spans of a workflow on standard input to a file that skein report reads", async () => {
    stdin = WORKFLOW;
    const out = join(directory, "trace.jsonl");
    const traced = await skein("trace", "-", "--out", out);
    expect(traced).toEqual({
      exitCode: 0,
      stdout: "argo/wf  Succeeded  trace 0f9c2f558a9b4b7e9d0e1a2b3c4d5e6f  4 spans\n",
      stderr: "",
    });
    expect(JSON.parse((await skein("report", out, "--json")).stdout)).toMatchObject({
      steps: [{ nodeId: "wf", phase: "Succeeded", seconds: 7 }],
    });
  });

  it.each([{ OTEL_SDK_DISABLED: "true" }, { OTEL_TRACES_SAMPLER: "always_off" }])(
    "writes the spans it says it has made, also with %j",
    async (given) => {
      stdin = WORKFLOW;
      variables = given;
      for (const [name, value] of Object.entries(given)) vi.stubEnv(name, value); // the SDK reads it there
      const out = join(directory, "wanted.jsonl");
      expect(await skein("trace", "-", "--out", out)).toMatchObject({ exitCode: 0 });
      expect((await skein("report", out, "--json")).exitCode).toBe(0);
      vi.unstubAllEnvs();
    },
  );

  it("does not say that spans have gone where nothing is sent", async () => {
    stdin = WORKFLOW;
    variables = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:1", OTEL_TRACES_EXPORTER: "none" };
    const { exitCode, stderr } = await skein("trace", "-");
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("there is nowhere to send the spans")]);
  });

  it("ends with 1 when the spans could not be written", async () => {
    stdin = WORKFLOW;
    const { exitCode, stderr } = await skein("trace", "-", "--out", join(directory, "no/such/trace.jsonl"));
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("trace was not exported")]);
  });

  it.each([
    [
      "has not begun",
      WORKFLOW.replace(/ {2}status:[\s\S]*/, ""),
      /^skein: wf has no status with a start, .*no controller/,
    ],
    [
      "has begun, by an object that does not say when it was made",
      WORKFLOW.replace(/, creationTimestamp: [^}]*/, "").replace(
        / {2}status:[\s\S]*/,
        "  status: {phase: Running, startedAt: 2026-01-01T12:00:02Z}\n",
      ),
      /^skein: wf runs, and none of its phases and nodes is over/,
    ],
  ])("says why there are no spans of a workflow that %s, and ends with 2", async (_what, text, why) => {
    stdin = text;
    const { exitCode, stdout, stderr } = await skein("trace", "-", "--out", join(directory, "none.jsonl"));
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(why)]);
    expect(stdout).toMatch(/^argo\/wf .* 0 spans\n$/);
  });

  it.each([
    ["nowhere to send the spans", ["trace", "-"], /set OTEL_EXPORTER_OTLP_ENDPOINT, or give --out FILE/],
    ["neither a workflow nor --watch", ["trace"], /name a workflow, a file, or - for stdin; or give --watch/],
    ["both a workflow and --watch", ["trace", "wf", "--watch"], /or give --watch/],
    ["a file that is not there", ["trace", "./nope.yaml"], /nope\.yaml: .*ENOENT/],
    ["no cluster", ["trace", "wf"], /cannot configure the Kubernetes client: no --kubeconfig/],
  ])("ends with 2 for %s", async (_what, args, complaint) => {
    stdin = WORKFLOW;
    const { exitCode, stderr } = await skein(...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(complaint)]);
  });
});

describe("skein trace-on", () => {
  it("prints the workflow with the annotation for all its templates", async () => {
    const file = write("wf.yaml", "kind: Workflow\nspec: {entrypoint: main}\n");
    const { exitCode, stdout } = await skein("trace-on", file, "--level", "artifacts");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("skein.dev/trace: artifacts")]);
  });

  it("ends with 2 for a level that does not exist", async () => {
    const { exitCode, stderr } = await skein("trace-on", "-", "--level", "loud");
    expect([exitCode, stderr]).toEqual([
      2,
      expect.stringContaining("Allowed choices are phases, artifacts, files"),
    ]);
  });
});

describe("skein doctor", () => {
  it("looks at a bucket without a cluster, as wide as nobody's terminal, and ends with 1 when it is not reached", async () => {
    const { exitCode, stdout } = await skein(
      "doctor",
      "--endpoint",
      "127.0.0.1:1",
      "--bucket",
      "b",
      "--insecure",
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^skein doctor 1\.2\.3, from outside the cluster: namespace default/);
    expect(stdout).toMatch(
      /✖ s3-endpoint .*ECONNREFUSED.*\n.*→ check that the server runs and listens on this port, and/,
    );
    expect(Math.max(...stdout.split("\n").map((line) => line.length))).toBeLessThanOrEqual(100);
  });

  it.each([
    ["an option it does not know", ["--fast"], /Unknown option '--fast'/],
    [
      "a secret without a key",
      ["--access-key-secret", "s3"],
      /--access-key-secret must be NAME\/KEY of a secret, got "s3"/,
    ],
    [
      "a time that is none",
      ["--timeout", "soon"],
      /--timeout must be a number of seconds up to 600, got "soon"/,
    ],
    ["nothing to look at", [], /nothing to look at: cannot configure the Kubernetes client/],
  ])("ends with 2 for %s", async (_what, args, complaint) => {
    const { exitCode, stderr } = await skein("doctor", ...args);
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(complaint)]);
  });

  it("prints its flags on request", async () => {
    const { exitCode, stdout } = await skein("doctor", "--help");
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining("-n, --namespace <namespace>")]);
  });
});
