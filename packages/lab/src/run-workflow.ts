import { randomBytes, randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Environment, WorkflowTaskResult } from "@skein/contract";
import { runPlan } from "./engine/engine.ts";
import type { WorkflowNode } from "./engine/node.ts";
import { LabSetupError } from "./errors.ts";
import type { Installation } from "./installation.ts";
import { writeKubeconfig } from "./kubeconfig.ts";
import { type OutputDirectory, prepareOutputDirectory, releaseOutputDirectory } from "./output-directory.ts";
import { executorEnvironmentOf, type PodLayout, userPathOf } from "./pod/executor-settings.ts";
import { createPodRunner } from "./pod/run-pod.ts";
import { chooseSandbox } from "./sandbox/choose-sandbox.ts";
import { removeTree } from "./sandbox/remove-tree.ts";
import { parseS3Url, type S3Access, startS3Server } from "./servers/s3-server.ts";
import { startTaskResultApi } from "./servers/task-result-api.ts";
import { type Summary, summarise } from "./summary.ts";
import { createControllerTrace } from "./trace/controller-trace.ts";
import { createTelemetryRelay, type TelemetryRelay } from "./trace/relay.ts";
import { openTraceFile } from "./trace/trace-file.ts";
import { startTraceSink } from "./trace/trace-sink.ts";
import type { WorkflowIdentity } from "./workflow/globals.ts";
import { generateName } from "./workflow/names.ts";
import { parseWorkflowFile } from "./workflow/parse-workflow-file.ts";
import { planWorkflow } from "./workflow/plan-workflow.ts";
import type { ArtifactRepository, Secrets, WorkflowPlan } from "./workflow/types.ts";

export interface RunOptions {
  installation: Installation;
  /** The caller's environment: for PATH, the network, and a collector to pass the trace on to. */
  environment: Environment;
  /** Default `out/<workflow name>` below the current directory. */
  outputDirectory?: string | undefined;
  /** `http://ACCESS:SECRET@HOST:PORT/BUCKET`. Default: a server of the lab's own. */
  s3Url?: string | undefined;
  /** Leave volumes, root file systems and S3 objects. Default false. */
  keep?: boolean;
  /** Environment of the executor's containers, as the controller's `executor.env` has it; wins over the lab's own. */
  executorEnvironment?: ReadonlyMap<string, string>;
  /** How pods are put together. Default `init`. */
  layout?: PodLayout;
  /** Aborted to stop the pods, as a controller would. */
  signal: AbortSignal;
  /** Aborted to end them at once, after `signal`. Default never. */
  killSignal?: AbortSignal;
  /** Told of every change of a node. */
  onChange?: (node: WorkflowNode) => void;
  /** Told of what a person should know and no file says. */
  onNotice?: (text: string) => void;
}

export interface WorkflowRun {
  summary: Summary;
  /** In the order in which they were made; the first is the workflow's own. */
  nodes: WorkflowNode[];
  output: OutputDirectory;
}

/** The name of the Secret with the keys of the lab's bucket. */
const S3_SECRET = "lab-s3-credentials";

/** How long a collector of the caller's may take to answer at the end of a run. */
const RELAY_DRAIN_MS = 2_000;

/**
 * Reads one workflow file as far as it can be understood without running it.
 *
 * @param name of the file, for messages
 * @param parameters over the workflow's own values
 * @throws WorkflowFileError
 */
export function parseWorkflow(
  name: string,
  text: string,
  parameters: ReadonlyMap<string, string> = new Map(),
): WorkflowPlan {
  return planWorkflow(parseWorkflowFile(name, text), parameters);
}

/**
 * Runs a workflow with the real executor, without a cluster.
 *
 * @throws LabSetupError before anything of the workflow has been started. A workflow that fails is a result,
 *   not an error.
 */
export async function runWorkflow(plan: WorkflowPlan, options: RunOptions): Promise<WorkflowRun> {
  const given = options.s3Url === undefined ? undefined : parseS3Url(options.s3Url);
  const { metadata } = plan.workflow;
  const identity: WorkflowIdentity = {
    name: metadata.name ?? generateName(metadata.generateName ?? ""),
    uid: randomUUID(),
    namespace: metadata.namespace ?? "default",
    createdAt: new Date(),
  };
  const output = prepareOutputDirectory(options.outputDirectory ?? join("out", identity.name));
  const relay = createTelemetryRelay(options.environment);
  try {
    const nodes = await runInside(plan, identity, output, options, given, relay);
    const summary = summarise(identity, nodes);
    writeFileSync(output.summary, `${JSON.stringify(summary, undefined, 2)}\n`);
    return { summary, nodes, output };
  } finally {
    await tellRelay(relay, options.onNotice);
    if (!options.keep) removeTree(output.state);
    releaseOutputDirectory(output);
  }
}

async function runInside(
  plan: WorkflowPlan,
  identity: WorkflowIdentity,
  output: OutputDirectory,
  options: RunOptions,
  given: S3Access | undefined,
  relay: TelemetryRelay | undefined,
): Promise<WorkflowNode[]> {
  const { installation, environment, signal, killSignal, onChange } = options;
  await using parts = new AsyncDisposableStack();
  const sandbox = await chooseSandbox(output.state, environment.PATH);
  const s3 = given ?? parts.adopt(await startOwnS3(installation, output), (server) => server.close());
  const file = parts.adopt(await openTraceFile(output.trace), (trace) => trace.close());
  const sink = parts.adopt(await startTraceSink(file, relay), (server) => server.close());
  const token = randomBytes(24).toString("hex");
  const onWrite = (result: WorkflowTaskResult): void => writeTaskResult(output, result);
  const api = parts.adopt(await startTaskResultApi({ token, onWrite }), (server) => server.close());
  const { namespace } = identity;
  const access = writeKubeconfig(output.state, { server: api.url, token, namespace });
  const trace = createControllerTrace(identity, sink.write);
  const runPod = createPodRunner({
    sandbox,
    identity,
    settings: {
      ...access,
      layout: options.layout ?? "init",
      executorDirectory: installation.executorDirectory,
      traceEndpoint: sink.url,
      userPath: userPathOf(environment.PATH),
      executorEnvironment: {
        ...executorEnvironmentOf(environment),
        ...Object.fromEntries(options.executorEnvironment ?? []),
      },
    },
    secrets: withS3Secret(plan.secrets, s3),
    workflowVolumes: plan.workflow.spec.volumes ?? [],
    trace,
    taskResult: (id) => api.get(namespace, id),
    podsDirectory: output.pods,
    stateDirectory: join(output.state, "pods"),
    signal,
    ...(killSignal ? { killSignal } : {}),
  });
  const nodes = await runPlan({
    plan,
    identity,
    repository: plan.repository ?? repositoryOf(s3),
    runPod,
    onChange: (node) => {
      trace.onChange(node);
      onChange?.(node);
    },
    signal,
  });
  trace.end(nodes[0]?.phase ?? "Error");
  return nodes;
}

async function startOwnS3({ s3Program }: Installation, { state }: OutputDirectory) {
  if (s3Program !== undefined) return await startS3Server(s3Program, join(state, "s3"));
  throw new LabSetupError(
    "there is no S3 server: run make setup, put versitygw on the PATH, or name one with --s3",
  );
}

function repositoryOf({ endpoint, bucket, insecure }: S3Access): ArtifactRepository {
  const accessKeySecret = { name: S3_SECRET, key: "accesskey" };
  const secretKeySecret = { name: S3_SECRET, key: "secretkey" };
  return { s3: { endpoint, bucket, insecure, accessKeySecret, secretKeySecret } };
}

function withS3Secret(secrets: Secrets, { accessKey, secretKey }: S3Access): Secrets {
  const own = new Map<string, Uint8Array>([
    ["accesskey", Buffer.from(accessKey)],
    ["secretkey", Buffer.from(secretKey)],
  ]);
  return new Map([...secrets, [S3_SECRET, own]]);
}

function writeTaskResult({ api }: OutputDirectory, result: WorkflowTaskResult): void {
  const file = join(api, `${encodeURIComponent(result.metadata.name)}.json`);
  writeFileSync(file, `${JSON.stringify(result, undefined, 2)}\n`);
}

async function tellRelay(relay: TelemetryRelay | undefined, onNotice: RunOptions["onNotice"]): Promise<void> {
  const count = await relay?.drain(RELAY_DRAIN_MS);
  if (!count?.lost) return;
  onNotice?.(
    `${count.lost} of ${count.lost + count.sent} parts of trace and metrics did not reach your collector: ${count.lastError}`,
  );
}
