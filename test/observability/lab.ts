import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Summary } from "@skein/lab";
import type { CollectedSpan } from "../e2e/cluster/collector.ts";

const CHECKOUT = join(import.meta.dirname, "../..");
export const EXAMPLES = join(CHECKOUT, "examples");
const SKEIN = join(CHECKOUT, "packages/skein/bin/skein.mjs");

export interface SkeinResult {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the `skein` command to its end. */
export function skein(
  args: readonly string[],
  options: { env?: Readonly<Record<string, string>>; signal: AbortSignal },
): Promise<SkeinResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [SKEIN, ...args], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    // The command stops its pods, and only then ends.
    options.signal.addEventListener("abort", () => child.kill("SIGTERM"), { once: true });
    let [stdout, stderr] = ["", ""];
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    child.once("error", reject);
    child.once("close", (exitCode) => resolve({ exitCode, stdout, stderr }));
  });
}

export type OtlpProtocol = "grpc" | "http/protobuf";

export interface RunOptions {
  /** `--out`. */
  directory: string;
  parameters?: Readonly<Record<string, string>>;
  /** How executors reach the collector. */
  export: { endpoint: string; protocol: OtlpProtocol };
  /** More of the executor's environment. */
  executorEnv?: Readonly<Record<string, string>>;
  /** Where the lab sends the controller's spans, and those of steps: a collector over HTTP. */
  collector: string;
  /** In front of the containers' PATH. */
  programs?: string;
  signal: AbortSignal;
}

/** `skein run`, whose executors send to the collector themselves. */
export async function runLab(file: string, options: RunOptions): Promise<SkeinResult & { summary: Summary }> {
  const executorEnv = {
    OTEL_EXPORTER_OTLP_ENDPOINT: options.export.endpoint,
    OTEL_EXPORTER_OTLP_PROTOCOL: options.export.protocol,
    ...options.executorEnv,
  };
  const result = await skein(
    [
      ...["run", file, "--out", options.directory],
      ...Object.entries(options.parameters ?? {}).flatMap(([name, value]) => ["-p", `${name}=${value}`]),
      ...Object.entries(executorEnv).flatMap(([name, value]) => ["--executor-env", `${name}=${value}`]),
    ],
    {
      env: {
        PATH: [options.programs, process.env.PATH].filter(Boolean).join(":"),
        OTEL_EXPORTER_OTLP_ENDPOINT: options.collector,
        OTEL_EXPORTER_OTLP_PROTOCOL: "http/protobuf",
      },
      signal: options.signal,
    },
  );
  if (result.exitCode === 2) throw new Error(result.stderr);
  const summary = JSON.parse(readFileSync(join(options.directory, "summary.json"), "utf8")) as Summary;
  return { ...result, summary };
}

/** How long the nodes of {@link writeWorkflowObjects} were pending: the first one so long, each one after it a second longer. */
const PENDING_SECONDS = 70;

/**
 * Writes what a controller would have kept of a run: the Workflow, and a pod for each node that had one, with whole
 * seconds as Kubernetes has them. The lab's pods are never pending, so here they are said to have been.
 */
export function writeWorkflowObjects(file: string, { name, uid, phase, nodes }: Summary): void {
  const start = Math.floor(Date.parse(nodes[0]?.startedAt ?? "") / 1000);
  const at = (seconds: number): string =>
    new Date((start + seconds) * 1000).toISOString().replace(".000Z", "Z");
  const metadata = { name, namespace: "default", uid, creationTimestamp: at(-3) };
  const pods = nodes.filter(({ type }) => type === "Pod");
  const end = 2 * PENDING_SECONDS + pods.length;
  const status = {
    phase,
    startedAt: at(0),
    finishedAt: at(end),
    nodes: Object.fromEntries(
      nodes.map((node) => [
        node.id,
        {
          id: node.id,
          name: node.name,
          displayName: node.name,
          type: node.type,
          templateName: node.template,
          phase: node.phase,
          startedAt: at(1),
          finishedAt: at(end),
        },
      ]),
    ),
  };
  const items = [
    { apiVersion: "argoproj.io/v1alpha1", kind: "Workflow", metadata, spec: {}, status },
    ...pods.map((node, index) => ({
      apiVersion: "v1",
      kind: "Pod",
      metadata: {
        name: node.name,
        labels: { "workflows.argoproj.io/workflow": name },
        annotations: { "workflows.argoproj.io/node-id": node.id },
      },
      status: {
        conditions: index === 0 ? [{ type: "PodScheduled", status: "False", reason: "Unschedulable" }] : [],
        containerStatuses: [
          { name: "main", state: { terminated: { startedAt: at(1 + PENDING_SECONDS + index) } } },
        ],
      },
    })),
  ];
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items }));
}

/** The names from a span up to where its trace begins, as far as the collector has it. */
export function ancestry(spans: readonly CollectedSpan[], span: CollectedSpan | undefined): string[] {
  if (!span) return [];
  const parent = spans.find(
    ({ spanId, traceId }) => spanId === span.parentSpanId && traceId === span.traceId,
  );
  return [span.name, ...ancestry(spans, parent)];
}
