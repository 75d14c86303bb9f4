import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TransferEngine, TransferReport } from "@skein/artifacts";
import {
  type Artifact,
  createLogger,
  createPaths,
  type Environment,
  getKey,
  type Outputs,
  type Paths,
  parseExecutorConfig,
  parseTemplate,
  type Template,
} from "@skein/contract";
import type { TaskResultReporter } from "@skein/kubernetes";
import { createTracing, type OtlpSpan, type OtlpTraceRequest } from "@skein/telemetry";
import { onTestFinished } from "vitest";
import type { InitParts } from "./init.ts";
import { createJournal } from "./journal-file.ts";
import type { FinishParts } from "./wait-finish.ts";

/** A directory that is gone after the test. */
export async function temporaryDirectory(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), "skein-executor-"));
  onTestFinished(() => rm(path, { recursive: true, force: true }));
  return path;
}

/** A pod's paths below a directory that is gone after the test. */
export async function temporaryPaths(): Promise<Paths & { root: string }> {
  const root = await temporaryDirectory();
  return { ...createPaths(root), root };
}

/** Writes a file and what leads to it. */
export async function put(path: string, content: string | Uint8Array = ""): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

/** A logger and the records it wrote. */
export function recordingLogger() {
  const records: Record<string, unknown>[] = [];
  const log = createLogger({
    level: "debug",
    format: "json",
    write: (line) => records.push(JSON.parse(line) as Record<string, unknown>),
  });
  return { log, records, messages: () => records.map((record) => record.msg) };
}

const PARENT = { traceId: "ab".repeat(16), spanId: "cd".repeat(8), traceFlags: 1 };

export interface TestPod {
  paths: Paths & { root: string };
  parts: InitParts & FinishParts;
  /** What the acts asked of the engine and of the reporter. */
  calls: { loads: { artifact: Artifact; target: string }[]; saves: Parameters<TransferEngine["save"]>[0][] };
  reported: { created?: boolean; steps: string[]; outputs?: Outputs; progress: string[] };
  /** Steps of the reporter that fail, and with what. */
  faults: Partial<Record<keyof TaskResultReporter, Error>>;
  /** What loading or saving the artifact of that name throws. */
  artifactFaults: Record<string, Error>;
  records: Record<string, unknown>[];
  messages(): unknown[];
  /** The spans that were exported; ends the tracing. */
  spans(): Promise<OtlpSpan[]>;
}

/** A pod below a temporary directory: real files, journal and spans; engine and reporter only note what they are asked. */
export async function createTestPod(
  template: Template,
  options: { env?: Environment; signal?: AbortSignal } = {},
): Promise<TestPod> {
  const paths = await temporaryPaths();
  const traceFile = join(paths.root, "trace.jsonl");
  const env: Environment = {
    ARGO_POD_NAME: "pod",
    ARGO_CONTAINER_NAME: "wait",
    ARGO_DEADLINE: "0001-01-01T00:00:00Z",
    ARGO_NODE_ID: "wf-1",
    ARGO_WORKFLOW_NAME: "wf",
    SKEIN_FRONT: await put(join(paths.root, "image/argoexec"), "the front"),
    SKEIN_TRACE_FILE: traceFile,
    ...options.env,
  };
  const { log, records, messages } = recordingLogger();
  const tracing = await createTracing({ env, parent: PARENT, resource: { version: "0" }, log });
  const calls: TestPod["calls"] = { loads: [], saves: [] };
  const reported: TestPod["reported"] = { steps: [], progress: [] };
  const pod: TestPod = {
    paths,
    calls,
    reported,
    faults: {},
    artifactFaults: {},
    records,
    messages,
    async spans() {
      await tracing.shutdown();
      const lines = (await readFile(traceFile, "utf8")).trim().split("\n");
      return lines
        .map((line) => JSON.parse(line) as OtlpTraceRequest)
        .flatMap(({ resourceSpans }) => resourceSpans)
        .flatMap(({ scopeSpans }) => scopeSpans)
        .flatMap(({ spans }) => spans);
    },
    parts: {
      config: parseExecutorConfig(env),
      template: parseTemplate(JSON.stringify(template), "the test"),
      paths,
      namespace: "argo",
      log,
      tracing,
      signal: options.signal ?? new AbortController().signal,
      now: () => Date.now(),
      parent: PARENT,
      journal: createJournal(paths.journal("wait")),
      createEngine: async ({ signal }) => recordingEngine(pod, signal),
      createReporter: async ({ created }) => {
        reported.created = created;
        return recordingReporter(pod);
      },
    },
  };
  return pod;
}

function recordingEngine({ artifactFaults, calls }: TestPod, signal: AbortSignal): TransferEngine {
  return {
    async load(request) {
      calls.loads.push(request);
      const { name } = request.artifact;
      // A transfer takes a while, and ends when it is told to.
      await new Promise((resolve) => setImmediate(resolve));
      if (artifactFaults[name]) throw artifactFaults[name];
      signal.throwIfAborted();
      await put(request.target, name);
      return transferReport(request.artifact);
    },
    async save(request) {
      calls.saves.push(request);
      const fault = artifactFaults[request.artifact.name];
      if (fault) throw fault;
      return transferReport(request.artifact);
    },
  };
}

export function transferReport(artifact: Artifact): TransferReport {
  return {
    name: artifact.name,
    driver: "s3",
    key: getKey(artifact),
    bytes: 10,
    unpackedBytes: 20,
    files: 1,
    seconds: 0,
    stages: {
      credentials: 0,
      list: 0,
      first_byte: 0,
      network: 0,
      decompress: 0,
      compress: 0,
      disk: 0,
      retry_wait: 0,
      other: 0,
    },
    boundBy: "none",
    verdict: "",
    retries: 0,
  };
}

function recordingReporter({ faults, reported }: TestPod): TaskResultReporter {
  const step = async (name: keyof TaskResultReporter): Promise<void> => {
    reported.steps.push(name);
    if (faults[name]) throw faults[name];
  };
  return {
    initialize: () => step("initialize"),
    async report(outputs) {
      await step("report");
      reported.outputs = outputs;
    },
    async reportOnce(outputs) {
      await step("reportOnce");
      reported.outputs = outputs;
    },
    async progress(value) {
      await step("progress");
      reported.progress.push(value);
    },
    finalize: () => step("finalize"),
  };
}
