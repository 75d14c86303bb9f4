import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { Summary } from "@skein/lab";
import { removeTree } from "@skein/lab/testing";
import { onTestFinished } from "vitest";

const REPOSITORY = fileURLToPath(new URL("../../", import.meta.url));
/** What `npx skein` starts. */
const SKEIN = join(REPOSITORY, "packages/skein/bin/skein.mjs");

/** For whole workflows, on a machine that may have other things to do. */
export const WORKFLOW_TIMEOUT_MS = 120_000;

export const EXAMPLES = join(REPOSITORY, "examples");

export interface SkeinRun {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** Of `--out`. */
  directory: string;
  summary: Summary;
  spans: Span[];
  /** Files of the pods, by `<pod>/<file>`. */
  files: Map<string, string>;
}

export interface Span {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  name: string;
  status?: { code?: number; message?: string };
  /** As text, whatever their type. */
  attributes: Record<string, string>;
  service: string;
}

export interface RunningSkein {
  /** Of `--out`. */
  directory: string;
  /** Resolves when a container has printed the line, by its log: `<pod>/main.log`. */
  logged(log: string, line: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  finished: Promise<SkeinRun>;
}

/** Starts `skein run` on a file, or on a workflow given as text. */
export function startSkein(workflow: string, args: readonly string[] = []): RunningSkein {
  const parent = mkdtempSync(join(tmpdir(), "skein-e2e-"));
  onTestFinished(() => removeTree(parent));
  const file = workflow.includes("\n") ? join(parent, "workflow.yaml") : workflow;
  if (file !== workflow) writeFileSync(file, workflow);
  const directory = join(parent, "out");
  const child = spawn(process.execPath, [SKEIN, "run", file, "--out", directory, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const finished = new Promise<SkeinRun>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (exitCode, signal) => {
      if (exitCode === null) reject(new Error(`skein was ended by ${signal}\n${stdout}${stderr}`));
      else resolve({ exitCode, stdout, stderr, directory, ...readOutput(directory) });
    });
  });
  return {
    directory,
    logged: async (log, line) => {
      const file = join(directory, "pods", log);
      while (!existsSync(file) || !readFileSync(file, "utf8").includes(`${line}\n`)) await sleep(20);
    },
    kill: (signal) => void child.kill(signal),
    finished,
  };
}

export function runSkein(workflow: string, args: readonly string[] = []): Promise<SkeinRun> {
  return startSkein(workflow, args).finished;
}

function readOutput(directory: string): Pick<SkeinRun, "summary" | "spans" | "files"> {
  const read = (name: string): string => readFileSync(join(directory, name), "utf8");
  try {
    const summary = JSON.parse(read("summary.json")) as Summary;
    return { summary, spans: parseSpans(read("trace.jsonl")), files: readPods(join(directory, "pods")) };
  } catch {
    // A run that was refused leaves nothing; the test looks at its exit code.
    const summary: Summary = { name: "", uid: "", phase: "Pending", message: "", nodes: [] };
    return { summary, spans: [], files: new Map() };
  }
}

function readPods(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const pod of readdirSync(directory)) {
    for (const file of readdirSync(join(directory, pod))) {
      files.set(`${pod}/${file}`, readFileSync(join(directory, pod, file), "utf8"));
    }
  }
  return files;
}

interface OtlpValue {
  stringValue?: string;
  intValue?: string | number;
  doubleValue?: number;
  boolValue?: boolean;
}

type KeyValues = { key: string; value: OtlpValue }[];

interface OtlpLine {
  resourceSpans: {
    resource?: { attributes?: KeyValues };
    scopeSpans: { spans: (Omit<Span, "attributes" | "service"> & { attributes?: KeyValues })[] }[];
  }[];
}

function parseSpans(text: string): Span[] {
  const lines = text.split("\n").filter(Boolean);
  return lines
    .flatMap((line) => (JSON.parse(line) as OtlpLine).resourceSpans)
    .flatMap(({ resource, scopeSpans }) => {
      const service = toRecord(resource?.attributes)["service.name"] ?? "";
      const spans = scopeSpans.flatMap((scope) => scope.spans);
      return spans.map((span) => ({ ...span, attributes: toRecord(span.attributes), service }));
    });
}

function toRecord(attributes: KeyValues = []): Record<string, string> {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [key, String(Object.values(value as object)[0] ?? "")]),
  );
}
