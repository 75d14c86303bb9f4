import { readFile } from "node:fs/promises";
import {
  ArtifactError,
  ConfigError,
  createLogger,
  createPaths,
  errorMessage,
  type Logger,
} from "@skein/contract";
import { createKubernetesClient, KubernetesError } from "@skein/kubernetes";
import {
  createWorkflowSource,
  followWorkflows,
  openSpanExport,
  type PodObject,
  readObjects,
  type SpanExport,
  type TracedWorkflow,
  type TraceLevelName,
  toYaml,
  traceWorkflows,
  turnTracingOn,
  type WorkflowObject,
  WorkflowObjectError,
  type WorkflowSource,
} from "@skein/workflows";
import type { Host } from "./host.ts";

/** As commander gives them. */
export interface ClusterFlags {
  namespace?: string;
  kubeconfig?: string;
  context?: string;
}

export interface TraceFlags extends ClusterFlags {
  watch?: true;
  out?: string;
}

const EXIT_MISUSE = 2;

const NEEDED_RULES =
  'skein trace needs {apiGroups: ["argoproj.io"], resources: ["workflows"], verbs: ["get", "list", "watch"]}, and for the times of pods {apiGroups: [""], resources: ["pods"], verbs: ["list"]}';

/**
 * `skein trace`: makes the spans that a controller which traces would have made, from Workflow objects.
 *
 * @param target a workflow's name, a file, or `-` for stdin; absent with `--watch`
 * @returns 0 when all spans have arrived, 1 when they have not, 2 when there was nothing to make them from
 */
export async function traceCommand(
  target: string | undefined,
  flags: TraceFlags,
  host: Host,
): Promise<number> {
  return await complaining(host, async () => {
    if (flags.watch ? target !== undefined : target === undefined) {
      throw new WorkflowObjectError(
        "name a workflow, a file, or - for stdin; or give --watch to follow a namespace",
      );
    }
    const log = logger(host);
    const open = async (namespace: string): Promise<SpanExport> => {
      const sink = await openSpanExport({
        env: host.environment,
        out: flags.out,
        namespace,
        version: host.version,
        log,
      });
      if (sink) return sink;
      throw new ConfigError(
        "there is nowhere to send the spans: set OTEL_EXPORTER_OTLP_ENDPOINT, or give --out FILE",
        { exitCode: EXIT_MISUSE },
      );
    };
    if (flags.watch) return await follow(await clusterSource(flags, host, log), open, host);
    const { workflows, pods } = await readTarget(target ?? "", flags, host, log);
    const traced = traceWorkflows(workflows, pods);
    const sink = await open(traced[0]?.namespace ?? "default");
    for (const [index, each] of traced.entries()) {
      announce(each, sink, host);
      const why = each.spans.length === 0 && whyNothing(each, workflows[index]?.status?.startedAt);
      if (why) host.stderr.write(`skein: ${why}\n`);
    }
    if (!(await sink.close())) return 1;
    return traced.some(({ spans }) => spans.length > 0) ? 0 : EXIT_MISUSE;
  });
}

function whyNothing({ namespace, name }: TracedWorkflow, startedAt: string | null | undefined): string {
  if (startedAt)
    return `${name} runs, and none of its phases and nodes is over: only what has ended has spans. Give it again later, or follow it with --watch`;
  return `${name} has no status with a start, so there is nothing to make spans from: no controller has begun it. Is it suspended, behind others (parallelism, a semaphore), or is there no controller for ${namespace}? kubectl -n ${namespace} get workflow ${name} -o yaml shows its status; once it runs, give it again`;
}

/** `skein trace-on`: prints the workflow with tracing turned on for it alone. */
export async function traceOnCommand(
  target: string,
  flags: ClusterFlags & { level: TraceLevelName },
  host: Host,
): Promise<number> {
  return await complaining(host, async () => {
    const { level } = flags;
    if (isFile(target)) {
      host.stdout.write(turnTracingOn(await readText(target, host), { level, source: sourceName(target) }));
      return 0;
    }
    const source = await clusterSource(flags, host, logger(host));
    const workflow = { apiVersion: "argoproj.io/v1alpha1", kind: "Workflow", ...(await source.get(target)) };
    const pods = await source.pods(target);
    host.stdout.write(turnTracingOn(toYaml(workflow), { level, source: `workflow ${target}`, pods }));
    return 0;
  });
}

async function follow(
  source: WorkflowSource,
  open: (namespace: string) => Promise<SpanExport>,
  host: Host,
): Promise<number> {
  const stop = new AbortController();
  host.onSignal(() => stop.abort());
  const sink = await open(source.namespace);
  host.stderr.write(`skein: following the workflows of ${source.namespace}; Ctrl-C ends it\n`);
  const complain = (message: string): void => void host.stderr.write(`skein: ${message}\n`);
  for await (const traced of followWorkflows(source, stop.signal, complain)) announce(traced, sink, host);
  return (await sink.close()) ? 0 : 1;
}

function announce(
  { namespace, name, phase, traceId, spans }: TracedWorkflow,
  sink: SpanExport,
  host: Host,
): void {
  sink.emit(spans);
  const count = `${spans.length} ${spans.length === 1 ? "span" : "spans"}`;
  host.stdout.write(`${namespace}/${name}  ${phase}  trace ${traceId}  ${count}\n`);
}

async function readTarget(
  target: string,
  flags: ClusterFlags,
  host: Host,
  log: Logger,
): Promise<{ workflows: WorkflowObject[]; pods: PodObject[] }> {
  if (isFile(target)) return readObjects(await readText(target, host), sourceName(target));
  const source = await clusterSource(flags, host, log);
  return { workflows: [await source.get(target)], pods: await source.pods(target) };
}

/** A name in a cluster has neither a slash nor an extension. */
function isFile(target: string): boolean {
  return target === "-" || target.includes("/") || /\.(ya?ml|json)$/.test(target);
}

function sourceName(target: string): string {
  return target === "-" ? "stdin" : target;
}

async function readText(target: string, host: Host): Promise<string> {
  if (target === "-") return await host.readStdin();
  try {
    return await readFile(target, "utf8");
  } catch (error) {
    throw new WorkflowObjectError(`${target}: ${errorMessage(error)}`);
  }
}

async function clusterSource(flags: ClusterFlags, host: Host, log: Logger): Promise<WorkflowSource> {
  const client = await createKubernetesClient({
    flags,
    env: host.environment,
    serviceAccount: createPaths("").serviceAccount,
    version: host.version,
    log,
  });
  return createWorkflowSource(client, log);
}

function logger(host: Host): Logger {
  return createLogger({ write: (line) => void host.stderr.write(line), level: "warn", format: "text" });
}

/** What a person can mend is said in one line, with the remedy; the rest is a bug and keeps its stack. */
async function complaining(host: Host, work: () => Promise<number>): Promise<number> {
  try {
    return await work();
  } catch (error) {
    const isExpected =
      error instanceof WorkflowObjectError ||
      error instanceof ConfigError ||
      error instanceof KubernetesError ||
      error instanceof ArtifactError;
    if (!isExpected) throw error;
    host.stderr.write(`skein: ${errorMessage(error)}\n`);
    if (error instanceof KubernetesError && error.status === 403)
      host.stderr.write(`skein: ${NEEDED_RULES}\n`);
    return EXIT_MISUSE;
  }
}
